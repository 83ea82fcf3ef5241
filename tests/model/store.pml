/* The promises of the store (doc/format/store.md), as a model that spin checks in every order of steps, with a power cut at any moment, lost unsynced
 * writes, and syncs and commits that fail:
 *
 *   1. what was acknowledged is never lost, until its owner deletes it
 *   2. no reference dangles
 *   3. a blob with a tag is never dropped
 *   4. no place in a segment is written twice, so no id is given out twice
 *   5. what is synced is whole: a record that a cut tore, and nobody was told of, never comes to stand among what is promised
 *
 * What it has: blobs are appended by whoever leads, for all who wait, under one sync (blob_put.c); then a commit, likewise in groups, refers to them
 * (commit.c); then the answer. Deleting removes the reference, then the tag; restoring a dead blob tags it, then refers to it. Maintenance copies what lives
 * out of a segment, tells the index where it is, marks the segment gone unless a dead blob in it was revived, and unlinks it (compact.c). A commit of the
 * index is one step, as LMDB promises. After a cut open segments are ended, never continued.
 *
 * tests/model/check runs it, and then with each MUTANT, one step of the design left out, which must be refuted.
 */
#define MESSAGES 3                                /* 1 and 2 before the cut, 3 after it */
#define SEGMENTS 4
#define SLOTS 2                                   /* blobs in a segment */
#define PLACES (SEGMENTS * SLOTS)
#define NOWHERE SEGMENTS
#define TORN (MESSAGES + 1)                       /* in a place: a record whose payload is there in part */

/* Segment rows. */
#define ABSENT 0
#define OPEN 1
#define SEALED 2
#define GONE 3

/* Of those who wait for a leader. */
#define IDLE 0
#define WAITS 1
#define TAKEN 2
#define DONE 3
#define FAILED 4

/* The disk: what reads see, and what is sure to be there after a cut. 0, a message, or TORN. */
byte cache[PLACES], disk[PLACES];
bool forgotten[PLACES];                           /* a sync failed: the kernel will not write it, and no later sync complains */

/* The index, durable with each commit. */
byte segment[SEGMENTS], next_segment, revived[SEGMENTS];
byte ref[MESSAGES + 1];                           /* id + 1 */
bool untagged[PLACES];                            /* by id; a record is born with its tag */
byte moved[PLACES];                               /* by id: place + 1 */

/* In memory. */
byte current = NOWHERE, fill;
byte putting[MESSAGES + 1], committing[MESSAGES + 1], id_of[MESSAGES + 1];
bool lead_put, lead_commit, cut, after;
byte running;

/* History, which no cut takes away. */
bool acknowledged[MESSAGES + 1], deleted[MESSAGES + 1], used[PLACES];

#define PLACE(id) (moved[id] -> moved[id] - 1 : id)
#define KEPT(m) (!ref[m] || disk[PLACE(ref[m] - 1)] == m)
#define PROMISED(m) (!acknowledged[m] || deleted[m] || ref[m])
#define PROMISES (KEPT(1) && KEPT(2) && KEPT(3) && PROMISED(1) && PROMISED(2) && PROMISED(3))

active proctype Monitor()
{
end:	atomic { !(PROMISES) -> assert(PROMISES) }
}

/* ---- appending ---- */

inline take_slot(m, place) {
	place = current * SLOTS + fill;
	assert(!used[place]);
	used[place] = true;
	cache[place] = m;
	fill++
}

/* A segment with room; current stays NOWHERE when the commit fails or there is no number left. */
inline find_segment() {
	if
	:: current != NOWHERE && fill == SLOTS -> segment[current] = SEALED; current = NOWHERE
	:: else
	fi;
	if
	:: current == NOWHERE && next_segment < SEGMENTS ->
		if
		:: current = next_segment; next_segment++; segment[current] = OPEN; fill = 0
		:: skip
		fi
	:: else
	fi
}

/* What the sync of a segment did: ok, or a failure after which nobody uses the file again. */
inline sync_segment(ok, i) {
	if
	:: ok = true
	:: ok = false
	fi;
	i = 0;
	do
	:: i < SLOTS ->
		if
		:: cache[current * SLOTS + i] && !forgotten[current * SLOTS + i] && ok ->
			assert(cache[current * SLOTS + i] != TORN);
			disk[current * SLOTS + i] = cache[current * SLOTS + i]
		:: cache[current * SLOTS + i] != disk[current * SLOTS + i] && !ok ->
			forgotten[current * SLOTS + i] = true
		:: else
		fi;
		i++
	:: else -> break
	od;
#ifdef MUTANT_RETRY
	/* A sync that failed is tried again, and believed. */
	ok = true
#else
	if
	:: !ok -> current = NOWHERE
	:: ok && fill == SLOTS -> segment[current] = SEALED; current = NOWHERE
	:: else
	fi
#endif
}

inline lead_puts(i, k, ok) {
	atomic {
		find_segment();
		i = 1;
		do
		:: i <= MESSAGES ->
			if
			:: putting[i] == WAITS && current == NOWHERE -> putting[i] = FAILED
			:: putting[i] == WAITS && current != NOWHERE && fill < SLOTS -> take_slot(i, k); id_of[i] = k; putting[i] = TAKEN
			:: else
			fi;
			i++
		:: else -> break
		od
	}
	atomic {
		if
		:: current != NOWHERE ->
			sync_segment(ok, k);
			i = 1;
			do
			:: i <= MESSAGES ->
				if
				:: putting[i] == TAKEN -> putting[i] = (ok -> DONE : FAILED)
				:: else
				fi;
				i++
			:: else -> break
			od
		:: else
		fi;
		lead_put = false;
		i = 0;                                    /* locals that mean nothing any more would make states differ */
		k = 0;
		ok = false
	}
}

/* ---- commits ---- */

inline lead_commits(i, ok) {
	atomic {
		i = 1;
		do
		:: i <= MESSAGES ->
			if
			:: committing[i] == WAITS -> committing[i] = TAKEN
			:: else
			fi;
			i++
		:: else -> break
		od
	}
	/* One transaction: all of it, or nothing. */
	atomic {
		if
		:: ok = true
		:: ok = false
		fi;
		i = 1;
		do
		:: i <= MESSAGES ->
			if
			:: committing[i] == TAKEN && ok -> ref[i] = id_of[i] + 1; committing[i] = DONE
			:: committing[i] == TAKEN && !ok -> committing[i] = FAILED
			:: else
			fi;
			i++
		:: else -> break
		od;
		lead_commit = false;
		i = 0;
		ok = false
	}
}

inline put(m, i, k, ok) {
	putting[m] = WAITS;
	do
	:: atomic { putting[m] >= DONE -> break }
	:: atomic { putting[m] == WAITS && !lead_put -> lead_put = true }; lead_puts(i, k, ok)
	od
}

inline commit(m, i, ok) {
	committing[m] = WAITS;
	do
	:: atomic { committing[m] >= DONE -> break }
	:: atomic { committing[m] == WAITS && !lead_commit -> lead_commit = true }; lead_commits(i, ok)
	od
}

proctype Deliver(byte m)
{
	byte i, k;
	bool ok;
	{
#ifdef MUTANT_COMMIT_FIRST
		/* The index refers to the blob before it is synced. */
		atomic {
			find_segment();
			if
			:: current != NOWHERE && fill < SLOTS -> take_slot(m, k); id_of[m] = k; putting[m] = DONE
			:: else -> putting[m] = FAILED
			fi
		}
#else
		put(m, i, k, ok);
#endif
		if
		:: putting[m] == DONE ->
			commit(m, i, ok);
			atomic {
				if
				:: committing[m] == DONE -> acknowledged[m] = true
				:: else
				fi
			}
		:: else
		fi;
		running--
	} unless { cut && !after }
}

/* ---- deleting and restoring ---- */

proctype Delete(byte m)
{
	byte id;
	{
		if
		:: atomic { acknowledged[m] -> deleted[m] = true; id = ref[m] - 1 };
#ifdef MUTANT_UNTAG_FIRST
			untagged[id] = true;
			ref[m] = 0;
#else
			ref[m] = 0;
			untagged[id] = true;
#endif
			/* Somebody takes it back: a tag on a dead blob, unless its segment is gone. */
			if
			:: atomic {
				segment[PLACE(id) / SLOTS] != GONE && cache[PLACE(id)] == m ->
				untagged[id] = false;
				revived[PLACE(id) / SLOTS]++
			};
				atomic { ref[m] = id + 1; deleted[m] = false }
			:: skip
			fi
		:: skip
		fi;
		running--
	} unless { cut && !after }
}

/* ---- maintenance ---- */

/* What maintenance takes for a record to be kept, were it not for its tags. */
#ifdef MUTANT_MOVE_TORN
#define STANDS(place) (cache[place] != 0)
#else
#define STANDS(place) (cache[place] != 0 && cache[place] != TORN)
#endif

/* Copies what has a tag out of segment s; *done false when it could not. */
inline empty_segment(s, id, k, i, ok, done, from) {
	do
	:: atomic {
			done ->
			do
			:: id < PLACES && !(STANDS(PLACE(id)) && used[id] && PLACE(id) / SLOTS == s && !untagged[id]) -> id++
			:: else -> break
			od
		};
		if
		:: id < PLACES ->
			atomic { !lead_put -> lead_put = true };
			atomic {
				from = PLACE(id);
				find_segment();
				if
				:: current == NOWHERE || fill == SLOTS || current == s -> done = false
				:: else -> take_slot(cache[from], k)
				fi
			};
#ifdef MUTANT_MOVE_FIRST
			atomic {
				if
				:: done -> moved[id] = k + 1
				:: else
				fi
			};
#endif
			atomic {
				if
				:: done -> sync_segment(ok, i); done = ok; ok = false; i = 0
				:: else
				fi;
				lead_put = false
			};
			atomic {
				if
				:: done -> moved[id] = k + 1
				:: else
				fi;
				id++;
				k = 0;
				from = 0
			}
		:: else -> break
		fi
	:: !done -> break
	od
}

proctype Maintain()
{
	byte s, id, k, i, before, from;
	bool ok, done = true;
	{
		if
		:: atomic { segment[0] == SEALED -> s = 0 }
		:: atomic { segment[1] == SEALED -> s = 1 }
		:: skip -> done = false
		fi;
		if
		:: done ->
			before = revived[s];
			empty_segment(s, id, k, i, ok, done, from);
			atomic {
				if
#ifdef MUTANT_REVIVE
				:: done -> segment[s] = GONE
#else
				:: done && revived[s] == before -> segment[s] = GONE
#endif
				:: else
				fi
			};
			atomic {
				if
				:: segment[s] == GONE ->
					id = 0;
					do
					:: id < PLACES ->
						assert(!(used[id] && PLACE(id) / SLOTS == s && STANDS(PLACE(id)) && !untagged[id]));
						id++
					:: else -> break
					od;
					i = 0;
					do
					:: i < SLOTS -> cache[s * SLOTS + i] = 0; disk[s * SLOTS + i] = 0; i++
					:: else -> break
					od
				:: else
				fi
			}
		:: else
		fi;
		running--
	} unless { cut && !after }
}

/* ---- the power ---- */

inline lose_power(i) {
	i = 0;
	do
	:: i < PLACES ->
		/* What was not synced may be there all the same, or in part. */
		if
		:: cache[i] != disk[i] -> disk[i] = cache[i]
		:: cache[i] != disk[i] && cache[i] != 0 -> disk[i] = TORN
		:: true
		fi;
		cache[i] = disk[i];
		forgotten[i] = false;
		i++
	:: else -> break
	od;
	lead_put = false;
	lead_commit = false;
#ifndef MUTANT_CONTINUE
	i = 0;
	do
	:: i < SEGMENTS ->
		if
		:: segment[i] == OPEN -> segment[i] = SEALED
		:: else
		fi;
		i++
	:: else -> break
	od;
	current = NOWHERE
#else
	/* An open segment is written on behind the last record that is there. */
	if
	:: current != NOWHERE ->
		fill = SLOTS;
		do
		:: fill > 0 && !disk[current * SLOTS + fill - 1] -> fill--
		:: else -> break
		od
	:: else
	fi
#endif
}

init {
	byte i;
	atomic { running = 4; run Deliver(1); run Deliver(2); run Delete(1); run Maintain() };
	if
	:: atomic { true -> cut = true };
		atomic { _nr_pr == 2 -> lose_power(i); after = true };
		assert(PROMISES);
		atomic {
			i = 0;
			running = 1;
			if
			:: run Deliver(3)
			:: run Maintain()
			fi
		}
	:: running == 0
	fi
}
