# The commands of this project: `just` lists them. Workflows run nothing else. `just` comes with Cargo, PyPI or Debian; each
# recipe is one script or cargo command, so it is not needed.

# Lists the recipes
[private]
default:
    @just --list

# Shows one onboarding, from start to key, without AWS: `just demo --faults` adds faults
demo *ARGS:
    cargo run --locked -- demo {{ ARGS }}

# Starts the local stack with the simulator
serve *ARGS:
    cargo run --locked -- {{ ARGS }}

# Checks everything that needs no test run: format, lints, docs, dependencies, the API document
check: format lint docs
    .ci/dependencies
    .ci/openapi

# Checks the format
format:
    cargo fmt --all --check

# Runs clippy on everything
lint:
    cargo clippy --workspace --all-targets --features e2e/browser,deployed/deployed,sam-local/engine --locked -- -D warnings

# Builds the documentation of the crates
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --features e2e/browser,deployed/deployed,sam-local/engine --locked

# Runs the tests that need Rust alone: `just test --test it documents`
test *ARGS:
    cargo test --workspace --locked {{ ARGS }}

# Tests the page in a real browser
page *ARGS:
    e2e/browser {{ ARGS }}

# Builds the bundle with a fast profile, deploys it to an emulator and tests it there; BUILT=1 takes what `sam build` left
deployed:
    e2e/deployed/run

# Runs what every change must pass
all:
    .ci/run

# Runs the long checks, or some of them: `just full promise journeys`
full *PARTS:
    .ci/full {{ PARTS }}

# Checks the bans, licenses and sources of the dependencies
deny:
    .ci/full.d/deny

# Looks for known vulnerabilities in the dependencies; needs the network
advisories:
    .ci/full.d/deny advisories

# Checks the workflows
workflows:
    .ci/full.d/workflows

# Installs AWS SAM, cargo-lambda and the emulator into target/tools
tools:
    e2e/deployed/tools

# Resolves requirements/*.in again, with hashes; needs uv
requirements:
    for name in requirements/*.in; do uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --upgrade --quiet "$name" --output-file "${name%.in}.txt"; done
