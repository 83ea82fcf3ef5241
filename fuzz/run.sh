#!/bin/bash
# Fuzzes with libFuzzer under ASan and UBSan.
#
#   fuzz/run.sh [SECONDS [NAME...]]    looks for something new: so long each (60), all of them, as many at once as there are cores. FUZZ_SEED=N: from that seed
#   fuzz/run.sh --same [NAME...]       a minute each from one seed (FUZZ_SECONDS=N: so long), the same inputs in the same order on every machine. fuzz/runs says
#                                      how many of them were played without a find: one among those fails, one beyond is told as new and does not, for
#                                      the commit that is tested did not bring it
#   fuzz/run.sh --record [NAME...]     --same, and writes into fuzz/runs how far each came
#   fuzz/run.sh --coverage [NAME...]   which lines of each file the corpora in the tree reach, by llvm-cov
#
# A find is written to fuzz/found/NAME. What is looked for grows build-fuzz/corpus/NAME; --same begins from fuzz/corpus alone. The last line is
# "N passed, N failed". (Warnings are gcc's part: clang has others, of macros of libraries too, and does not stop here.)
set -u
cd "$(dirname "$0")/.."
. tools/packages.sh
mode=look
case ${1:-} in
--same | --record | --coverage) mode=${1#--} seconds=${FUZZ_SECONDS:-60}; shift ;;
*) seconds=${1:-60}; [ $# -gt 0 ] && shift ;;
esac
need "fuzzing" $build_packages $fuzz_packages || exit 1
export CC="${CC_FUZZ:-clang}"
# UBSan only prints by default; a find must end the program
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
build=build-fuzz options="-Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link"
if [ $mode = coverage ]; then
	need "coverage" llvm || exit 1
	build=build-coverage options="-Dc_args=-fsanitize=fuzzer-no-link,-fprofile-instr-generate,-fcoverage-mapping -Dc_link_args=-fprofile-instr-generate"
fi
[ -f $build/build.ninja ] || meson setup $build -Dwerror=false -Dfuzzer=libfuzzer -Db_lundef=false $options >/dev/null || exit 1
names=${*:-$(ninja -C $build -t targets all | sed -n 's/^fuzz_\([a-z0-9_]*\): .*/\1/p' | sort -u)}
ninja -C $build $(for name in $names; do echo "fuzz_$name"; done) >$build/build.log 2>&1 || { grep -E 'error|FAILED' -A4 $build/build.log | head -40; echo "0 passed, 1 failed"; exit 1; }

if [ $mode = coverage ]; then
	rm -f $build/*.profraw
	for name in $names; do
		LLVM_PROFILE_FILE=$build/$name.profraw $build/fuzz_"$name" -runs=0 "fuzz/corpus/$name" >$build/"$name".log 2>&1 || { echo "$name: see $build/$name.log"; exit 1; }
	done
	llvm-profdata merge -o $build/all.profdata $build/*.profraw || exit 1
	llvm-cov export -summary-only -instr-profile=$build/all.profdata $(for name in $names; do echo "-object $build/fuzz_$name"; done) | fuzz/coverage
	exit
fi

# Options that make it the same everywhere: the corpus in an order of its own, nothing that depends on addresses (use_cmp) or on time (reload).
same_options() { # NAME LIST
	find "fuzz/corpus/$1" -type f | LC_ALL=C sort | paste -sd, >"$2"
	echo "-seed=1 -use_cmp=0 -reload=0 -seed_inputs=@$2"
}

executed() { sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$1.log"; }

one() { # NAME
	local name=$1 dict="fuzz/corpus/$1.dict" corpus="build-fuzz/corpus/$1" log="build-fuzz/$1.log" scratch="build-fuzz/scratch/$1" known options
	known=$(sed -n "s/^$name //p" fuzz/runs)
	[ $mode != same ] || [ -n "$known" ] || { echo "FAIL $name: no line in fuzz/runs; fuzz/run.sh --record $name writes it"; return; }
	rm -rf "$scratch"
	mkdir -p "$scratch/corpus"
	if [ $mode = look ]; then
		options="fuzz/corpus/$name ${FUZZ_SEED:+-seed=$FUZZ_SEED}"
	else
		corpus="$scratch/corpus" options=$(same_options "$name" "$scratch/list")
	fi
	[ -f "$dict" ] && options="$options -dict=$dict"
	mkdir -p "$corpus" "fuzz/found/$name"
	if build-fuzz/fuzz_"$name" -max_total_time="$seconds" -timeout=60 -entropic=0 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="fuzz/found/$name/" \
		"$corpus" $options >"$log" 2>&1; then
		echo "ok   $name: $(executed "$name") executions, coverage $(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1)"
		rmdir --ignore-fail-on-non-empty "fuzz/found/$name"
	elif [ $mode = same ] && [ "$(executed "$name")" -gt "$known" ] 2>/dev/null; then
		echo "new  $name: $(executed "$name") executions, the last of them a find beyond the $known known; see $log and fuzz/found/$name"
	else
		echo "FAIL $name: see $log and fuzz/found/$name"
	fi
	rm -rf "$scratch"
}
export -f one same_options executed
export mode seconds

echo $names | tr ' ' '\n' | xargs -P "$(nproc)" -I NAME bash -c 'one NAME' | tee build-fuzz/result
rmdir --ignore-fail-on-non-empty fuzz/found 2>/dev/null
if [ $mode = record ]; then
	sed -n 's/^ok *\([a-z0-9_]*\): \([0-9]*\) .*/\1 \2/p' build-fuzz/result | cat - fuzz/runs | LC_ALL=C sort -s -u -k1,1 >build-fuzz/runs && mv build-fuzz/runs fuzz/runs
fi
passed=$(grep -c '^\(ok\|new\) ' build-fuzz/result) failed=$(grep -c '^FAIL ' build-fuzz/result)
echo "$(awk '/^(ok|new) / { n += $3 } END { print n + 0 }' build-fuzz/result) executions, $seconds s for each of $((passed + failed)) fuzzers," \
	"$failed with a find, $(grep -c '^new ' build-fuzz/result) with a new one"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
