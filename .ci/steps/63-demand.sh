# Names that nobody configured: crowds of readers, 500 names at once, kills; then 10,000 channels that were followed so.
step "names on demand" drive .ci/demand.py
step "10,000 channels on demand" sh -c 'cargo build --release && cargo run --release --example demand'
