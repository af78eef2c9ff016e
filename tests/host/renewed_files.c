/* Kind: certificates and authorities that are renewed as people do it: by rename, by writing the file anew, by the
   symbolic links of Kubernetes. A living handle uses the new ones within seconds, a new handle at once; what was
   withdrawn counts no more. */
#include "host.h"

enum { SOON = 12000 }; /* promised are some 5 s */

/* A way to put files in the place of others. Each file is known as conf/NAME. */
enum way { BY_RENAME, BY_REWRITING, BY_LINKS, BY_REWRITING_IN_THE_SAME_SECOND };

static void put(enum way how, const char *name, const char *from) {
  char path[600], link[600], target[64];
  static int version;
  mkdir("conf", 0700);
  snprintf(path, sizeof(path), "conf/%s", name);
  switch (how) {
    case BY_RENAME:
      copy_file(from, "conf/new");
      if (rename("conf/new", path) != 0) FAIL("set-up: rename");
      return;
    case BY_REWRITING:
      copy_file(from, path);
      return;
    case BY_REWRITING_IN_THE_SAME_SECOND: {
      /* Its size may be the same too. */
      const struct timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
      copy_file(from, path);
      if (utimensat(AT_FDCWD, path, times, 0) != 0) FAIL("set-up: utimensat");
      return;
    }
    default:
      break;
  }
  /* conf/NAME -> ..NAME-data/NAME; ..NAME-data -> ..N, which is replaced. */
  snprintf(target, sizeof(target), "..%d", ++version);
  snprintf(link, sizeof(link), "conf/%s", target);
  if (mkdir(link, 0700) != 0) FAIL("set-up: mkdir");
  snprintf(link, sizeof(link), "conf/%s/%s", target, name);
  copy_file(from, link);
  snprintf(link, sizeof(link), "conf/..%s-data", name);
  if (symlink(target, "conf/..tmp") != 0 || rename("conf/..tmp", link) != 0) FAIL("set-up: symlink");
  snprintf(link, sizeof(link), "..%s-data/%s", name, name);
  if (symlink(link, path) != 0 && errno != EEXIST) FAIL("set-up: symlink");
}

static struct server server;
static nacos_auth_options with_files(void) {
  nacos_auth_options options = options_for(server.url);
  options.ca_file = "conf/ca.pem";
  return options;
}
static void until_served(nacos_auth *auth, const char *what) {
  struct outcome o;
  if (!UNTIL(SOON, (o = get(auth, 3000)).http == 200)) FAIL("%s: %s", what, said(&o));
}
static void new_handle_is_served(const nacos_auth_options *options, const char *what) {
  nacos_auth *another = open_with(options);
  const struct outcome o = get(another, 8000);
  if (o.http != 200) FAIL("%s: a new handle: %s", what, said(&o));
  nacos_auth_free(another);
}
static void new_handle_is_refused(const nacos_auth_options *options, const char *what) {
  nacos_auth *another = open_with(options);
  const struct outcome o = get(another, 3000);
  if (o.status != NACOS_TLS) FAIL("%s: a new handle: %s", what, said(&o));
  nacos_auth_free(another);
}

/* The wrong authority, then the right one, then the wrong one again. */
static void authority(enum way how) {
  server = serve("tls=server", "after=close", NULL);
  put(how, "ca.pem", certificate("other-ca.pem"));
  const nacos_auth_options options = with_files();
  nacos_auth *auth = open_with(&options);
  const struct outcome o = get(auth, 3000);
  if (o.status != NACOS_TLS) FAIL("set-up: %s", said(&o));
  put(how, "ca.pem", certificate("ca.pem"));
  new_handle_is_served(&options, "the right authority has come");
  until_served(auth, "the right authority has come: the living handle");
  put(how, "ca.pem", certificate("other-ca.pem"));
  new_handle_is_refused(&options, "the authority is withdrawn");
  struct outcome last;
  if (!UNTIL(SOON, (last = get(auth, 3000)).status == NACOS_TLS))
    FAIL("the authority is withdrawn: the living handle: %s", said(&last));
  put(how, "ca.pem", certificate("ca.pem"));
  until_served(auth, "the right authority has come again: the living handle");
}
TEST(authority_by_rename, 80) { authority(BY_RENAME); }
TEST(authority_by_rewriting, 80) { authority(BY_REWRITING); }
TEST(authority_by_links, 80) { authority(BY_LINKS); }
TEST(authority_by_rewriting_in_the_same_second, 80) { authority(BY_REWRITING_IN_THE_SAME_SECOND); }

/* The server gets a certificate of another authority; the file has both for a while. */
TEST(both_authorities_for_a_while, 60) {
  char text[65536];
  server = serve("tls=server", "after=close", NULL);
  put(BY_RENAME, "ca.pem", certificate("ca.pem"));
  const nacos_auth_options options = with_files();
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  FILE *one = fopen(certificate("ca.pem"), "r"), *other = fopen(certificate("other-ca.pem"), "r");
  if (one == NULL || other == NULL) FAIL("set-up: no certificates");
  size_t length = fread(text, 1, sizeof(text) / 2, one);
  length += fread(text + length, 1, sizeof(text) / 2 - 1, other);
  text[length] = '\0';
  write_file("both.pem", text);
  put(BY_RENAME, "ca.pem", "both.pem");
  new_handle_is_served(&options, "both authorities");
  tell(&server, "tls=other-server");
  new_handle_is_served(&options, "both authorities, and the server's new certificate");
  until_served(auth, "the server's new certificate");
  put(BY_RENAME, "ca.pem", certificate("other-ca.pem"));
  for (int i = 0; i < 12; i++) {
    must_answer(auth, "the old authority is withdrawn, which the server needs no more");
    sleep_ms(500);
  }
}

/* A file that is no good for a while changes nothing. */
static void unusable(const char *text) {
  server = serve("tls=server", "after=close", NULL);
  put(BY_RENAME, "ca.pem", certificate("ca.pem"));
  const nacos_auth_options options = with_files();
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  if (text != NULL)
    write_file("conf/ca.pem", text);
  else
    unlink("conf/ca.pem");
  for (int i = 0; i < 16; i++) {
    must_answer(auth, "a ca_file in use is no good for a while");
    sleep_ms(500);
  }
  put(BY_RENAME, "ca.pem", certificate("other-ca.pem"));
  struct outcome last;
  if (!UNTIL(SOON, (last = get(auth, 3000)).status == NACOS_TLS)) FAIL("another authority: %s", said(&last));
}
TEST(an_empty_file_for_a_while, 60) { unusable(""); }
TEST(half_a_file_for_a_while, 60) { unusable("-----BEGIN CERTIFICATE-----\nMIIB"); }
TEST(no_file_for_a_while, 60) { unusable(NULL); }

/* Client certificates */

static nacos_auth_options with_client_certificate(enum way how, const char *name) {
  char certificate_name[64], key[64];
  snprintf(certificate_name, sizeof(certificate_name), "%s.pem", name);
  snprintf(key, sizeof(key), "%s.key", name);
  put(how, "key.pem", certificate(key));
  put(how, "cert.pem", certificate(certificate_name));
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  options.client_cert_file = "conf/cert.pem";
  options.client_key_file = "conf/key.pem";
  return options;
}
static void must_be_shown(nacos_auth *auth, const char *name, long within, const char *what) {
  struct outcome o;
  if (!UNTIL(within, (o = get(auth, 5000)).http == 200 && strcmp(ask_text(&server, "peer"), name) == 0))
    FAIL("%s: shown is %s, not %s; %s", what, ask_text(&server, "peer"), name, said(&o));
}
static void client_certificate(enum way how) {
  server = serve("tls=server", "clients=ca", "after=close", NULL);
  const nacos_auth_options options = with_client_certificate(how, "client-one");
  nacos_auth *auth = open_with(&options);
  must_be_shown(auth, "client-one", 0, "set-up");
  (void)with_client_certificate(how, "client-two");
  nacos_auth *another = open_with(&options);
  must_be_shown(another, "client-two", 0, "renewed: a new handle");
  must_be_shown(auth, "client-two", SOON, "renewed: the living handle");
}
TEST(client_certificate_by_rename, 60) { client_certificate(BY_RENAME); }
TEST(client_certificate_by_rewriting, 60) { client_certificate(BY_REWRITING); }
TEST(client_certificate_by_links, 60) { client_certificate(BY_LINKS); }

/* First the key and then, some seconds later, the certificate: until then the old pair is used. */
TEST(client_key_before_its_certificate, 60) {
  server = serve("tls=server", "clients=ca", "after=close", NULL);
  const nacos_auth_options options = with_client_certificate(BY_RENAME, "client-one");
  nacos_auth *auth = open_with(&options);
  must_be_shown(auth, "client-one", 0, "set-up");
  put(BY_RENAME, "key.pem", certificate("client-two.key"));
  for (int i = 0; i < 14; i++) {
    must_answer(auth, "the key is new, the certificate not yet");
    sleep_ms(500);
  }
  put(BY_RENAME, "cert.pem", certificate("client-two.pem"));
  must_be_shown(auth, "client-two", SOON, "renewed: the living handle");
}

/* One that the server does not take, then one that it does. */
TEST(client_certificate_of_a_stranger_at_first, 60) {
  server = serve("tls=server", "clients=ca", "after=close", NULL);
  const nacos_auth_options options = with_client_certificate(BY_RENAME, "stranger");
  nacos_auth *auth = open_with(&options);
  const struct outcome o = get(auth, 3000);
  if (o.status == NACOS_OK) FAIL("set-up: %s", said(&o));
  must_be_sensible(&o, "a stranger's certificate");
  (void)with_client_certificate(BY_RENAME, "client-one");
  must_be_shown(auth, "client-one", SOON, "the right certificate has come: the living handle");
}

/* A daemon goes to another folder once it has begun. */
TEST(relative_files_are_those_of_the_folder_of_init, 40) {
  server = serve("tls=server", NULL);
  put(BY_RENAME, "ca.pem", certificate("other-ca.pem"));
  write_file("conf/password", "nacos\n");
  nacos_auth_options options = with_files();
  options.password = NULL;
  options.password_file = "conf/password";
  nacos_auth *auth = open_with(&options);
  const int here = open(".", O_RDONLY | O_DIRECTORY);
  if (here < 0 || chdir("/") != 0) FAIL("set-up: chdir");
  const struct outcome o = get(auth, 3000);
  if (o.status == NACOS_OK) FAIL("set-up: an authority that did not sign it");
  if (fchdir(here) != 0) FAIL("set-up: fchdir");
  put(BY_RENAME, "ca.pem", certificate("ca.pem"));
  if (chdir("/") != 0) FAIL("set-up: chdir");
  until_served(auth, "after chdir");
  nacos_auth_free(auth);
}
