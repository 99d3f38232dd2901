# Twenty kills of the real program in the middle of its work.
. .ci/lib.sh

kills() {
    python_packages && drive .ci/kill.py
}
step "twenty kills" kills
