/* Every ceiling of the index. */
#ifndef SEARCH_LIMITS_H
#define SEARCH_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* ---- terms ---- */
#define TERM_MAX 80u                              /* bytes of a term */
#define TERM_SURE 40u                             /* bytes of a pattern's piece that are looked up */
#define PATTERN_PIECES_MAX 32u                    /* of a pattern; those beyond are left to the reading of the candidates */

/* ---- one email ---- */
#define EMAIL_TEXT_MAX ((size_t)32 << 20)         /* bytes of text; an email with more is not indexed but read at every search */
#define EMAIL_TERMS_MAX 200000u                   /* different terms; likewise */
#define EMAIL_STEMS_MAX 50000u                    /* words looked at for FUZZY */
#define EMAIL_STEMS_BYTES ((size_t)1 << 20)       /* and bytes of each of its texts */
#define STEM_BYTES_MAX 60u                        /* longer words are no words */
#define STEM_COUNT_MAX 15u                        /* a word counts so often at most: more hardly changes a rank */

/* ---- the indexing ---- */
#define BATCH_EMAILS_MAX 4096u                    /* in one transaction */
#define BATCH_POSTINGS_MAX ((size_t)4 << 20)      /* about so many (term, email) pairs in it; 8 bytes each */
#define BATCH_SECONDS_MAX 20                      /* a batch that takes longer is written as it is */
#define READ_EMAILS_MAX 128u                      /* email records copied out in one store read */
#define HINT_DELAY_MS 300u                        /* news wait so long for more of their kind */
#define THREADS_MAX 16u
#define PENDING_MAX 1000000u                      /* accounts waiting; beyond it a sweep finds them */
#define SWEEP_SECONDS 3600                        /* all accounts are looked through at the start, and so often */
#define RETRY_SECONDS 60                          /* before an account that failed is tried again */
#define DEAD_EMAILS_MIN 1000u                     /* with more emails gone than this, and than are there, an index is made anew */

/* ---- chunks ---- */
#define CHUNK_EMAILS_MAX 32768u                   /* emails of one chunk */
#define CHUNK_FAN 8u                              /* so many chunks of a size become one */
#define BLOCK_TERMS_BYTES 32768u                  /* a block is closed beyond this */
#define BLOCK_POSTS_BYTES 65536u                  /* or this */
#define CHUNK_BLOCKS_MAX (1u << 20)               /* of a field */

/* ---- memory ---- */
#define SHELVES_OPEN_MAX 64u                      /* databases kept open for reading */
#define VOCABULARY_BYTES_MAX ((size_t)96 << 20)   /* terms kept in memory, all accounts together */
#define PAGE_CACHE_KB 2048                        /* SQLite's, of one open database */
#define FUZZY_RESULTS_MAX 1000000u                /* emails of one answer */
#define FUZZY_WORDS_MAX 32u                       /* of one question */
#define GUESS_LETTERS_MIN 4u                      /* shorter words are not guessed at */
#define GUESSES_MAX 8u                            /* stems tried for a word that is nowhere */
#define STEM_CACHE_MAX 65536u                     /* words whose stems an indexing thread remembers */

/* ---- the converter ---- */
#define CONVERT_SECONDS 20                        /* of one attachment, on the clock */
#define CONVERT_CPU_SECONDS 10
#define CONVERT_MEMORY_BYTES ((size_t)1 << 30)    /* address space */
#define CONVERT_FILE_BYTES ((size_t)64 << 20)     /* of any file it writes */
#define CONVERT_INPUT_MAX ((size_t)32 << 20)      /* larger attachments are left out */
#define CONVERT_OUTPUT_MAX ((size_t)1 << 20)      /* text beyond is cut */
#define CONVERT_PARTS_MAX 16u                     /* attachments of one email */

#endif
