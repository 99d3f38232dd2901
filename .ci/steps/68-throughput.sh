# Kept files beside nginx, which serves the same ones, and 200 readers who take their time.
# The long form: python .ci/throughput.py 10 7 60
throughput() {
    need nginx wrk && cargo build --quiet --release &&
        FEEDBRIDGE=$PWD/target/release/feedbridge "$PYTHON" .ci/throughput.py "$@"
}
step "throughput of kept files" throughput
