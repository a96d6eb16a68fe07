# Somebody who has never seen mirrord: the commands of mirrord-examples(7), FIRST SET-UP, as they stand
# there, on a host whose webmgr has no key, knows no host, and has no configuration.

# The blocks of the page, one file each: all are commands but that of the TOML.
blocks=$lab/newcomer
rm -rf "$blocks"
mkdir "$blocks"
awk -v to="$blocks" '/^\.Sh/ { inside = /FIRST SET-UP/ } !inside { next }
  /^\.Bd -literal/ { file = sprintf("%s/%02d", to, ++count); next } /^\.Ed/ { file = "" }
  file { print > file }' "$root/man/mirrord-examples.7"

step 'what the page asks for: users with a password on the targets'
on org rm -r "${key%/*}" /etc/mirrord/web.toml
for target in "${targets[@]}"; do on "$target" chpasswd <<<'webmgr:a password'; done
# Who sits at the keyboard: "yes" to a host key, and the password.
as_webmgr org tee /home/webmgr/answers >/dev/null <<'ANSWERS'
#!/bin/sh
case $1 in *yes/no*) echo yes ;; *) echo 'a password' ;; esac
ANSWERS
as_webmgr org chmod +x /home/webmgr/answers
as_webmgr org tee /home/webmgr/.profile >/dev/null <<'PROFILE'
export SSH_ASKPASS=/home/webmgr/answers SSH_ASKPASS_REQUIRE=force
PROFILE

step 'every block of the page, in its order'
for block in "$blocks"/*; do
  if grep -q '^\[groups' "$block"; then
    on org tee /etc/mirrord/web.toml >/dev/null <"$block"
  else
    told=$(on org sh -euc "$(cat "$block")" 2>&1 </dev/null) || { cat "$block"; printf '%s\n' "$told"; false; }
  fi
done
on org rm /home/webmgr/.profile /home/webmgr/answers

step 'the mirror runs'
[[ $(on org systemctl is-enabled mirrord) == enabled ]]
write /home/imgcms/images/new.svg 'made by another user'
all_arrives
reads tgt2 $contents/images/new.svg 'made by another user'
