# The calendar: a timer for a group compares all of it, and mends what was changed on the target.

start_mirrord
all_arrives
on org systemctl enable --quiet --now mirrord-resync@web.timer
says "$(on org systemctl list-timers --no-pager)" mirrord-resync@web.timer
on tgt1 sh -c "echo 'edited on the target' >$contents/index.html; touch $contents/of-the-target"
on org systemctl start mirrord-resync@web.service
is_mended() { reads tgt1 $contents/index.html welcome && is_gone tgt1 $contents/of-the-target; }
within 60 is_mended
all_arrives
on org systemctl disable --quiet --now mirrord-resync@web.timer
