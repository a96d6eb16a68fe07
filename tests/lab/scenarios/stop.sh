# systemctl stop under full load: within 5 seconds, cleanly, with all children.

configure 'rsync = { bandwidth_limit = "1M" }'
start_mirrord
all_arrives
on org runuser -u imgcms -- sh -c 'head -c 100M /dev/urandom >~/images/film'
on org systemd-run --quiet --unit writers sh -c \
  "i=0; while :; do i=\$((i + 1)); echo \$i >$contents/news/\$((i % 1000)); done"
is_busy() { state_is tgt1 syncing && state_is tgt2 syncing && (($(on org pgrep -c rsync) >= 4)); }
within 30 is_busy

begin=$(now_ms)
on org systemctl stop mirrord
took=$(($(now_ms) - begin))
step "stopped after $took ms"
((took < 5000))
[[ $(on org systemctl show --property Result --value mirrord) == success ]]
refuses on org pgrep rsync
on org systemctl stop writers

step 'started again, it finishes the work'
on org rm /home/imgcms/images/film
configure
start_mirrord
all_arrives
