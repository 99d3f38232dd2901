# 10,000 idle connections and seven kinds of ill will, while another reader's p99 stays below 50 ms.
if [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 14000 ]; then
    step "load" sh -c 'ulimit -n "$(ulimit -Hn)" && cargo build --release && cargo run --release --example load'
else
    skip "load" "only $(ulimit -Hn) files may be open, 14,000 are needed"
fi
