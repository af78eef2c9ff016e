/* Base64 of RFC 4648, with padding. For the C and the C++ shim. */
#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* `text` takes 4 characters for every 3 bytes begun, and a NUL. */
static inline void base64_encode(const unsigned char *bytes, size_t length, char *text) {
  for (size_t i = 0; i < length; i += 3) {
    unsigned long group = (unsigned long)bytes[i] << 16;
    if (i + 1 < length) group |= (unsigned long)bytes[i + 1] << 8;
    if (i + 2 < length) group |= bytes[i + 2];
    *text++ = base64_digits[group >> 18];
    *text++ = base64_digits[group >> 12 & 63];
    *text++ = i + 1 < length ? base64_digits[group >> 6 & 63] : '=';
    *text++ = i + 2 < length ? base64_digits[group & 63] : '=';
  }
  *text = '\0';
}

static inline int base64_value(char digit) {
  for (int value = 0; value < 64; value++)
    if (base64_digits[value] == digit) return value;
  return -1;
}

/* `bytes` takes 3 for every 4 characters. Returns how many there are, (size_t)-1 for what is not Base64. */
static inline size_t base64_decode(const char *text, size_t length, unsigned char *bytes) {
  size_t count = 0;
  if (length % 4 != 0) return (size_t)-1;
  for (size_t i = 0; i < length; i += 4) {
    const int last = i + 4 == length;
    const int padding = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
    unsigned long group = 0;
    for (int j = 0; j < 4; j++) {
      const int value = j < 4 - padding ? base64_value(text[i + (size_t)j]) : 0;
      if (value < 0) return (size_t)-1;
      group = group << 6 | (unsigned long)value;
    }
    bytes[count++] = (unsigned char)(group >> 16);
    if (padding < 2) bytes[count++] = (unsigned char)(group >> 8 & 255);
    if (padding < 1) bytes[count++] = (unsigned char)(group & 255);
  }
  return count;
}

#endif
