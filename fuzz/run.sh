#!/bin/bash
# Fuzzes with libFuzzer under ASan and UBSan: fuzz/run.sh [SECONDS [NAME...]]   (default: 60 seconds each, all of them, as many at once as there are cores)
# New finds go to fuzz/found/NAME, the grown corpus stays in build-fuzz/corpus/NAME; a crash ends with its input named.
# (Warnings are gcc's part: clang has others, of macros of libraries too, and does not stop here.) FUZZ_SEED=1 makes the same inputs
# each time, from the corpus in the tree alone; FUZZ_SESSION_SECONDS=N is for those of whole sessions. The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
. tools/packages.sh
seconds=${1:-60}
[ $# -gt 0 ] && shift
need "fuzzing" $build_packages $fuzz_packages || exit 1
export CC="${CC_FUZZ:-clang}"
# UBSan only prints by default; a find must end the program
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
[ -f build-fuzz/build.ninja ] ||
	meson setup build-fuzz -Dwerror=false -Dfuzzer=libfuzzer -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link >/dev/null || exit 1
names=${*:-$(ninja -C build-fuzz -t targets all | sed -n 's/^fuzz_\([a-z0-9_]*\): .*/\1/p' | sort -u)}
ninja -C build-fuzz $(for name in $names; do echo "fuzz_$name"; done) >build-fuzz/build.log 2>&1 || { grep -E 'error|FAILED' -A4 build-fuzz/build.log | head -40; echo "0 passed, 1 failed"; exit 1; }

one() { # NAME
	local name=$1 dict="fuzz/corpus/$1.dict" corpus="build-fuzz/corpus/$1" log="build-fuzz/$1.log" options=
	[ -n "${FUZZ_SEED:-}" ] && { corpus=$(mktemp -d); options="-seed=$FUZZ_SEED"; }
	[[ $name == *_session ]] && seconds=${FUZZ_SESSION_SECONDS:-$seconds}
	[ -f "$dict" ] && options="$options -dict=$dict"
	mkdir -p "$corpus" "fuzz/found/$name"
	if build-fuzz/fuzz_"$name" -max_total_time="$seconds" -timeout=60 -entropic=0 -rss_limit_mb=2048 -print_final_stats=1 $options \
		-artifact_prefix="fuzz/found/$name/" "$corpus" "fuzz/corpus/$name" >"$log" 2>&1; then
		echo "ok   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, coverage $(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1)"
		rmdir --ignore-fail-on-non-empty "fuzz/found/$name"
	else
		echo "FAIL $name: see $log and fuzz/found/$name"
	fi
	[ -z "${FUZZ_SEED:-}" ] || rm -rf "$corpus"
}
export -f one
export seconds
echo $names | tr ' ' '\n' | xargs -P "$(nproc)" -I NAME bash -c 'one NAME' | tee build-fuzz/result
rmdir --ignore-fail-on-non-empty fuzz/found 2>/dev/null
passed=$(grep -c '^ok ' build-fuzz/result) failed=$(grep -c '^FAIL ' build-fuzz/result)
echo "$(awk '/^ok / { n += $3 } END { print n + 0 }' build-fuzz/result) executions, $seconds s for each of $((passed + failed)) fuzzers (sessions: ${FUZZ_SESSION_SECONDS:-$seconds} s), $failed with a find"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
