#!/bin/bash
# Makes the packages for CentOS 7 from a tree as it is to be installed.
# pack.sh ROOT VERSION OUTPUT-DIRECTORY RPMBUILD-ARGUMENTS...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$1 version=$2 output=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rpmbuild -bb --target x86_64-redhat-linux "$here/../rpm/mirrord.spec" --dbpath "$work/db" \
  --define "_topdir $work" --define "_rpmdir $output" \
  --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
  --define "el7_root $root" --define "version $version" "$@"
