# A shared cache in front of the real program.
. .ci/lib.sh

varnish() {
    need varnish && python_packages brotli zstandard && drive .ci/varnish.py
}
step "varnish in front" varnish
