#!/bin/bash
# Fuzzes with libFuzzer under ASan and UBSan: fuzz/run.sh [SECONDS [NAME...]]   (default: 60 seconds each, all of them)
# New finds go to fuzz/found/NAME, the grown corpus stays in build-fuzz/corpus/NAME; a crash ends with its input named.
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh
seconds=${1:-60}
[ $# -gt 0 ] && shift
need "fuzzing" $build_packages clang libclang-rt-14-dev libcmocka-dev
[ -f build-fuzz/build.ninja ] ||
	CC=clang meson setup build-fuzz -Dfuzzer=libfuzzer -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link >/dev/null
names=${*:-$(ninja -C build-fuzz -t targets all | sed -n 's/^fuzz_\([a-z0-9_]*\): .*/\1/p' | sort -u)}
failed=0
for name in $names; do
	ninja -C build-fuzz "fuzz_$name" >/dev/null
	mkdir -p "build-fuzz/corpus/$name" "fuzz/found/$name"
	dict="fuzz/corpus/$name.dict"
	if build-fuzz/fuzz_"$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="fuzz/found/$name/" $([ -f "$dict" ] && echo "-dict=$dict") \
		"build-fuzz/corpus/$name" "fuzz/corpus/$name" >"build-fuzz/$name.log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$name.log")
		cover=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "build-fuzz/$name.log" | tail -1)
		echo "ok   $name: ${runs:-0} executions, coverage ${cover:-0}"
		rmdir --ignore-fail-on-non-empty "fuzz/found/$name"
	else
		echo "FAIL $name: see build-fuzz/$name.log and fuzz/found/$name"
		failed=$((failed + 1))
	fi
done
rmdir --ignore-fail-on-non-empty fuzz/found 2>/dev/null || true
[ $failed = 0 ]
