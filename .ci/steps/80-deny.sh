# Licences, bans and sources of all dependencies; advisories where their database can be fetched.
if cargo deny --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-deny; then
    step "dependencies" cargo deny check licenses bans sources
    if cargo deny fetch db >/dev/null 2>&1; then
        step "advisories" cargo deny check advisories
    else
        skip "advisories" "their database cannot be fetched"
    fi
else
    skip "dependencies" "cargo-deny cannot be installed"
fi
