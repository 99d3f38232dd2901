# The real program against captured pages, read by a real reader and judged by the judging programs.
. .ci/lib.sh

smoke() {
    need newsboat libxml2-utils prometheus &&
        python_with_libraries &&
        drive .ci/smoke.py
}

captures=${CAPTURES:-../shared/captures}
if [ -d "$captures/pages" ] && [ -d "$captures/../checks" ]; then
    step "captured pages" smoke
else
    skip "captured pages" "there are none at $captures with the checks beside them"
fi
