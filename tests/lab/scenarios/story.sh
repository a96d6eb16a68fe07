# DESIGN section 1: several users' content, reached through links, on two web servers; from the first
# host key to the last deletion.

step 'unknown host keys are told by the doctor, and learned with --trust'
on org rm "${key%/*}/known_hosts"
refuses on org mirrorctl doctor web
says "$refusal" 'mirrorctl doctor --trust'
on org mirrorctl doctor web --trust < <(printf 'yes\nyes\n') >/dev/null || true
on org mirrorctl check
on org mirrorctl doctor web >/dev/null

step 'what changes right after the start is not missed'
start_mirrord
write $contents/index.html 'changed at once'
all_arrives
reads tgt1 $contents/index.html 'changed at once'

step 'changes through the links and by the real paths'
write $contents/images/photo.jpg 'through the link'
write /home/imgcms/images/banner.svg 'by the real path'
on org runuser -u cgicms -- sh -c 'cd ~/cgi-bins && echo more >>counter.cgi && chmod 755 counter.cgi'
on org mv $contents/images/logo.svg $contents/images/mark.svg
on org mkdir -p /home/imgcms/images/2026/11
write '/home/imgcms/images/2026/11/a]b [c] *? \ d' odd
write $contents/news/today.html 'of webmgr itself'
all_arrives

step 'renames, deletions, and a link to another place'
on org mv /home/imgcms/images/2026 /home/imgcms/images/2027
on org rm -r /home/imgcms/images/icons $contents/images/photo.jpg
on org runuser -u imgcms -- mkdir /home/imgcms/images-2027
write /home/imgcms/images-2027/new.svg 'behind the new link'
all_arrives
on org ln -sfn /home/imgcms/images-2027 $contents/images
all_arrives
reads tgt2 $contents/images/new.svg 'behind the new link'
is_gone tgt2 $contents/images/mark.svg
on org rm -r /home/imgcms/images-2027
on org mirrorctl wait --timeout 60s
is_gone tgt2 $contents/images

step "all of it belongs to the targets' own webmgr, and nothing is a link"
for target in "${targets[@]}"; do
  [[ ! $(on "$target" find $contents ! -user webmgr -o -type l) ]]
done
[[ $(on tgt1 stat -c %a $contents/cgi-bins/counter.cgi) == 755 ]]

step 'the state is told to people in one line'
says_so() { [[ $(on org systemctl status mirrord) == *'Status: "2 of 2 targets in sync"'* ]]; }
within 10 says_so
