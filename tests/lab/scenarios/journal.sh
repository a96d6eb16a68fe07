# What the journal says, selected by the fields that mirrord(8) promises.

start_mirrord
all_arrives
write $contents/index.html 'one batch'
all_arrives

step 'a batch has its fields'
entry=$(journal org --output json --lines 1 MIRRORD_GROUP=web MIRRORD_TARGET=tgt1.host.local MIRRORD_EXIT_STATUS=0)
for field in MIRRORD_PATHS MIRRORD_BYTES MIRRORD_DURATION_USEC; do says "$entry" "\"$field\":\"" ; done
says "$entry" '"_SYSTEMD_UNIT":"mirrord.service"'
[[ ! $(journal org MIRRORD_TARGET=nobody) ]]

step 'a failure has its id, and the catalog says what to do'
on tgt1 systemctl stop ssh
on tgt1 sh -c 'pkill -KILL -u webmgr || true'
write $contents/index.html 'cannot be sent'
within 60 logged MIRRORD_TARGET=tgt1.host.local MESSAGE_ID=69858d77575c4387915658ce688be3cc
says "$(journal org --catalog MIRRORD_TARGET=tgt1.host.local)" 'mirrorctl doctor web'

step 'and so has the recovery'
on tgt1 systemctl start ssh
all_arrives
logged MIRRORD_TARGET=tgt1.host.local MESSAGE_ID=cc7c0bbf9a694d76b49c47697a8e9895
[[ ! $(journal org --priority err) ]]
