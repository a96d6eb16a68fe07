# What the scenarios share: mirrord installed, the users of the story, its source, and questions about
# it. Sourced after machines.sh. A scenario is plain commands: the first that fails ends it, and shows
# what was logged since it began.
# shellcheck shell=bash
: "${root:?}" "${lab:?}" "${machines[0]:?}"

contents=/home/webmgr/contents
key=/home/webmgr/.ssh/sync-rsa2048.key
targets=(tgt1 tgt2)

# --- Set-up, once --------------------------------------------------------------------------------

# On org, and on tgt1, which mirrors on to tgt2 in one of the scenarios.
install_mirrord() {
  local package machine
  package=$(find "$root/build/deb" -maxdepth 1 -name 'mirrord_*.deb' 2>/dev/null || true)
  if [[ ! $package ]]; then
    "$root/packaging/deb/build.sh"
    package=$(find "$root/build/deb" -maxdepth 1 -name 'mirrord_*.deb')
  fi
  for machine in org tgt1; do
    cp "$package" "$lab/$machine/root/mirrord.deb"
    quietly "$lab/$machine.log" on "$machine" dpkg -i /root/mirrord.deb
  done
}

make_users() {
  local machine public
  for machine in "${machines[@]}"; do
    on "$machine" useradd --create-home --password '*' --shell /bin/bash webmgr
  done
  on org useradd --create-home --password '*' imgcms
  on org useradd --create-home --password '*' cgicms
  for machine in org tgt1; do
    on "$machine" install -d -o webmgr -g webmgr -m 700 "${key%/*}"
    as_webmgr "$machine" ssh-keygen -q -t rsa -b 2048 -N '' -f "$key"
    public=$(on "$machine" cat "$key.pub")
    for target in "${targets[@]}"; do
      on "$target" install -d -o webmgr -g webmgr -m 700 "${key%/*}"
      as_webmgr "$target" sh -c "echo '$public' >>${key%/*}/authorized_keys"
    done
  done
}

# --- Before each scenario ------------------------------------------------------------------------

as_webmgr() { on "$1" runuser -u webmgr -- "${@:2}"; } # MACHINE COMMAND...

# Like a fresh installation, whatever the scenario before has left.
forget() { # MACHINE
  on "$1" sh -c 'systemctl stop mirrord "mirrord-resync@*" writers lsyncd; systemctl disable mirrord
    systemctl revert mirrord; systemctl reset-failed
    find /etc/mirrord -name "*.toml" ! -name mirrord.toml -delete
    rm -rf /var/lib/mirrord/*' >/dev/null 2>&1
}

make_source() {
  on org sh -c "rm -rf $contents /home/imgcms/images /home/cgicms/cgi-bins
    for user in imgcms cgicms; do chmod 710 /home/\$user; setfacl -m u:webmgr:x /home/\$user; done
    runuser -u webmgr -- mkdir -p $contents/news
    runuser -u imgcms -- mkdir -p /home/imgcms/images/icons
    runuser -u cgicms -- mkdir -p /home/cgicms/cgi-bins
    runuser -u webmgr -- ln -s /home/imgcms/images $contents/images
    runuser -u webmgr -- ln -s /home/cgicms/cgi-bins $contents/cgi-bins
    echo welcome | runuser -u webmgr -- tee $contents/index.html
    echo logo | runuser -u imgcms -- tee /home/imgcms/images/logo.svg
    echo home | runuser -u imgcms -- tee /home/imgcms/images/icons/home.svg
    echo counter | runuser -u cgicms -- tee /home/cgicms/cgi-bins/counter.cgi" >/dev/null
}

# As README.md has it.
# shellcheck disable=SC2120 # scenarios pass some
configure() { # MORE-LINES-OF-THE-GROUP MORE-LINES-FOR-SSH
  on org tee /etc/mirrord/web.toml >/dev/null <<TOML
[groups.web]
source  = "$contents"
user    = "webmgr"
targets = [
  "webmgr@tgt1.host.local:$contents",
  "webmgr@tgt2.host.local:$contents",
]
${1-}

[groups.web.ssh]
identity_file = "$key"
${2-}
TOML
}

learn_host_keys() { # MACHINE
  as_webmgr "$1" sh -c "ssh-keyscan tgt1.host.local tgt2.host.local >${key%/*}/known_hosts" 2>/dev/null
}

begin_story() {
  local machine
  trap 'tell_failure "$LINENO" "$BASH_COMMAND"' ERR
  set -E
  begun=$(date +%s.%N)
  for machine in "${machines[@]}"; do plug_in "$machine"; done
  for machine in org tgt1; do forget "$machine"; done
  for machine in "${targets[@]}"; do
    within 30 is_up "$machine"
    on "$machine" sh -c 'rm -rf /home/webmgr/contents /home/webmgr/further /home/webmgr/bin'
    as_webmgr "$machine" mkdir "$contents"
  done
  make_source
  configure
  learn_host_keys org
  learn_host_keys tgt1
}

# The place is that in the scenario, whatever it has called.
tell_failure() { # LINE COMMAND
  local -i i=1
  local line=$1
  ((BASH_SUBSHELL == 0)) || return 0  # the shell above tells
  trap - ERR
  while [[ ${BASH_SOURCE[i]} != */scenarios/* && ${BASH_LINENO[i]-0} != 0 ]]; do
    line=${BASH_LINENO[i]}
    i+=1
  done
  printf '\n%s:%s: failed: %s\n\n' "${BASH_SOURCE[i]##*/}" "$line" "$2" >&2
  on org journalctl --quiet --no-pager --since "@$begun" --lines 60 --unit mirrord >&2 || true
  on org mirrorctl status >&2 || true
}

# --- In a scenario -------------------------------------------------------------------------------

step() { printf '%s\n' "- $*"; }

# Nothing is wrong with a start but that it must be waited for: systemctl does.
start_mirrord() { on org systemctl enable --quiet --now mirrord; }

restarted_since() { (($(on org systemctl show --property NRestarts --value mirrord) > ${1:-0})); } # COUNT
main_pid() { on "${1:-org}" systemctl show --property MainPID --value mirrord; }
is_active() { [[ $(on org systemctl is-active mirrord) == active ]]; }

# Every change made so far is on every target, by mirrord's own word and by rsync's, which must not
# find a difference in a single byte.
all_arrives() { # TARGET...
  local target
  (($#)) || set -- "${targets[@]}"
  for target; do
    on org mirrorctl wait "web/$target.host.local" --timeout 60s
    equals_source "$target"
  done
}

equals_source() { # TARGET
  local drift
  drift=$(as_webmgr org rsync -n -aL --checksum --delete -i -e "ssh -i $key -o BatchMode=yes" \
    "$contents/" "webmgr@$1.host.local:$contents/")
  [[ ! $drift ]] || { printf '%s differs:\n%s\n' "$1" "$drift"; false; }
}

write() { on org tee "$1" >/dev/null <<<"$2"; } # PATH TEXT
reads() { [[ $(on "$1" cat "$2" 2>/dev/null) == "$3" ]]; } # MACHINE PATH TEXT
is_gone() { ! on "$1" test -e "$2"; }                     # MACHINE PATH

refuses() { # COMMAND...: it must fail; $refusal is what it said
  if refusal=$("$@" 2>&1); then
    printf 'succeeded: %s\n%s\n' "$*" "$refusal"
    return 1
  fi
}

says() { [[ $1 == *"$2"* ]] || { printf 'no "%s" in:\n%s\n' "$2" "$1"; false; }; } # TEXT PART

journal() { # MACHINE ARGUMENTS...: of mirrord, since this scenario began
  on "$1" journalctl --quiet --no-pager --since "@$begun" --unit mirrord "${@:2}"
}
logged() { [[ $(journal org "$@") ]]; } # ARGUMENTS...

property() { # OBJECT INTERFACE NAME
  on org busctl get-property org.mirrord1 "$@" | cut -d' ' -f2-
}
target_state() { # TARGET
  property "/org/mirrord1/target/web/$1_2ehost_2elocal" org.mirrord1.Target State | tr -d '"'
}
state_is() { [[ $(target_state "$1") == "$2" ]]; } # TARGET STATE
