# Sourced by the scripts of this folder, from the project's root: the tools of `deployed/tools`, this machine's architecture,
# and an AWS of nobody's, since whatever the machine knows about AWS is not for tests.

e2e/deployed/tools
export PATH="$PWD/target/tools/bin:$PATH" SAM_CLI_TELEMETRY=0

case $(uname -m) in aarch64 | arm64) architecture=arm64 ;; *) architecture=x86_64 ;; esac

unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1

# For what talks to MiniStack, which is to be started there.
use_ministack() {
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  export AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
}
