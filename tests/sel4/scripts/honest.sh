# Writes noise and reads it back, round after round, whatever the other client does.
. /test/common
say before "$(digest)"

ROUND_KIB=1024
SLOTS=$(cat /test/slots)

round=0
while :; do
    slot=$((round % SLOTS))
    head -c ${ROUND_KIB}k /dev/urandom >/tmp/noise
    dd if=/tmp/noise of=/dev/vda bs=${ROUND_KIB}k seek=$slot conv=notrunc,fsync 2>/dev/null
    written=$?
    forget
    dd if=/dev/vda bs=${ROUND_KIB}k skip=$slot count=1 2>/dev/null | cmp - /tmp/noise
    say round "$slot $written $? $(sha256sum /tmp/noise | cut -d' ' -f1)"
    round=$((round + 1))
done
