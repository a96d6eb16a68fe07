# README.md, "From lsyncd to mirrord in ten minutes": its commands as they stand there, on a host where
# lsyncd runs with the configuration of the story.

page=$(sed -n '/^## From lsyncd to mirrord/,/^## Operate/p' "$root/README.md")
commands=$(sed -n '/^   ```sh/,/^   ```$/{/```/!s/^   //p}' <<<"$page")
says "$commands" 'import-lsyncd'

step 'lsyncd mirrors'
on org mkdir -p /etc/lsyncd /var/log/lsyncd
on org tee /etc/lsyncd/lsyncd.conf.lua >/dev/null <"$root/tests/ctl/lsyncd/story.lua"
on org rm /etc/mirrord/web.toml
on org sh -c "mkdir -p /root/.ssh && cp ${key%/*}/known_hosts /root/.ssh/known_hosts"
on org systemctl enable --quiet lsyncd 2>/dev/null
on org systemctl restart lsyncd # "active" since the boot, without a configuration
lsyncd_arrives() {
  reads tgt1 $contents/images/logo.svg logo && reads tgt2 $contents/cgi-bins/counter.cgi counter
}
within 60 lsyncd_arrives
on org mkdir $contents/images/while-lsyncd-ran

step 'every command of the page, in its order'
told=$(on org sh -euxc "$commands" 2>&1 </dev/null) || { printf '%s\n' "$told"; false; }

step 'mirrord mirrors, and lsyncd is gone'
refuses on org pgrep -x lsyncd
write $contents/images/photo.jpg 'after the change'
write /home/cgicms/cgi-bins/more.cgi 'after the change'
on org rm $contents/images/logo.svg
on org mirrorctl wait --timeout 60s
reads tgt1 $contents/images/photo.jpg 'after the change'
reads tgt2 $contents/cgi-bins/more.cgi 'after the change'
is_gone tgt2 $contents/images/logo.svg
on tgt1 test -d $contents/images/while-lsyncd-ran

step 'the file of the story takes its place: one group, through the links'
configure
on org systemctl reload mirrord
all_arrives
