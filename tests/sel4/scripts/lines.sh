# Writes lines of the same length, more than a UART that is gone can be given.
n=1000000
while :; do
    echo "@@ line $n, of those that nobody waits for."
    n=$((n + 1))
    [ $((n % 64)) -ne 0 ] || sleep 0.2
done
