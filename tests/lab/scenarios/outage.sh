# A host that is unplugged, and one that is rebooted: neither delays the other, both catch up.

# A host that is gone is noticed by silence, of a minute by default.
configure 'retry = { initial = "500ms", max = "4s" }' 'connect_timeout = "2s"
options = { ServerAliveInterval = 1, ServerAliveCountMax = 2 }'
start_mirrord
all_arrives
write $contents/index.html 'before'
all_arrives

step 'the cable of tgt1 is pulled'
unplug tgt1
write $contents/news/today.html 'while tgt1 is away'
on org rm $contents/images/logo.svg
all_arrives tgt2
within 60 state_is tgt1 retrying
for i in {1..200}; do echo "$i"; done | on org sh -c "while read -r i; do echo \$i >$contents/news/\$i; done"
all_arrives tgt2
says "$(on org systemctl status mirrord)" '1 of 2 targets in sync: web/tgt1.host.local retrying'
(($(journal org MIRRORD_TARGET=tgt1.host.local | wc -l) < 20))

step 'and plugged in again: it catches up by itself'
plug_in tgt1
all_arrives
is_gone tgt1 $contents/images/logo.svg

step 'tgt2 is rebooted'
before=$(leader tgt2)
on tgt2 systemctl reboot || true
write $contents/index.html 'while tgt2 boots'
all_arrives tgt1
is_another_boot() { local now; now=$(leader tgt2) && [[ $now != "$before" ]]; }
within 60 is_another_boot
within 60 is_up tgt2
all_arrives
