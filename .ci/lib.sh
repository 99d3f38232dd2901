# What several steps need. Each function may be called again at no cost.

# A Python with the libraries that the checks use.
python_with_libraries() {
    CI_PYTHON=target/ci/venv/bin/python
    [ -e target/ci/venv/ready ] && return 0
    mkdir -p target/ci
    python3 -m venv target/ci/venv &&
        target/ci/venv/bin/pip install --quiet feedparser lxml html5lib beautifulsoup4 brotli zstandard &&
        touch target/ci/venv/ready
}

# until_url URL: waits until it answers, at most 30 seconds.
until_url() {
    curl --silent --fail --output /dev/null --retry 60 --retry-delay 0 --retry-max-time 30 --retry-all-errors "$1"
}
