# Writes noise to slots of its disk and reads all of them back, for as many seconds as /test/seconds has. What a write
# that was acknowledged left has to be there; of one that failed nothing is known. Says how long it waited at most.
. /test/common

seconds=$(cat /test/seconds)
SLOTS=16
SLOT_KIB=64
errors=0
lost=0
rounds=0
longest=0

# write SLOT: remembers its digest when it was acknowledged.
write() {
    head -c ${SLOT_KIB}k /dev/urandom >/tmp/noise
    began=$(uptime_s)
    if dd if=/tmp/noise of=/dev/vda bs=${SLOT_KIB}k seek=$1 conv=notrunc,fsync 2>/dev/null; then
        sha256sum /tmp/noise | cut -d' ' -f1 >/tmp/slot.$1
    else
        rm -f /tmp/slot.$1
        errors=$((errors + 1))
    fi
    waited=$(($(uptime_s) - began))
    [ $waited -le $longest ] || longest=$waited
}

# verify SLOT: a read that fails is no loss.
verify() {
    [ -e /tmp/slot.$1 ] || return
    echo 3 >/proc/sys/vm/drop_caches
    if dd if=/dev/vda of=/tmp/back bs=${SLOT_KIB}k skip=$1 count=1 2>/dev/null; then
        [ "$(sha256sum /tmp/back | cut -d' ' -f1)" = "$(cat /tmp/slot.$1)" ] || lost=$((lost + 1))
    else
        errors=$((errors + 1))
    fi
}

say begun
ends=$(($(uptime_s) + seconds))
while [ "$(uptime_s)" -lt $ends ]; do
    write $((rounds % SLOTS))
    verify $(((rounds * 7 + 3) % SLOTS))
    rounds=$((rounds + 1))
done
slot=0
while [ $slot -lt $SLOTS ]; do
    verify $slot
    slot=$((slot + 1))
done
say done "$rounds $errors $lost $longest"
sleep 1000
