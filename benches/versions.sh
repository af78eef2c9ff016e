#!/bin/bash
# What the measured is compared with, in one line.
{
  pkg-config --modversion libcurl 2>/dev/null | sed 's/^/libcurl /'
  nginx -v 2>&1 | sed -n 's/.*: //p'
  sed -n 's/^\([a-z].*\)==/\1 /p' "$(dirname "$0")/requirements.txt"
  sed -n 's|^\tgithub.com/nacos-group/\(nacos-sdk-go\)/v2 v|\1 |p' "$(dirname "$0")/go/go.mod"
  go version 2>/dev/null | awk '{ print $3 }'
} | paste -sd, | sed 's/,/, /g'
