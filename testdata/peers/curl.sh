#!/bin/sh
# What people paste into a workflow: trigger, then ask every two seconds.
set -eu
curl -fsS -X POST "$URL/api/application.deploy" -H "x-api-key: $KEY" -H 'content-type: application/json' -d "{\"applicationId\":\"$ID\"}"
while :; do
  case $(curl -fsS "$URL/api/application.one?applicationId=$ID" -H "x-api-key: $KEY" | jq -r .applicationStatus) in
    done) exit 0 ;;
    error) exit 1 ;;
  esac
  sleep 2
done
