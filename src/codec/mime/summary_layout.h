/* Numbers of the stored form that maker and reader of summaries share; summary.c has the layout. */
#ifndef CODEC_MIME_SUMMARY_LAYOUT_H
#define CODEC_MIME_SUMMARY_LAYOUT_H

#define SUMMARY_VERSION 1

/* flags */
#define SUMMARY_HAS_DATE 1

/* shape of a part */
#define PART_KIND 3
#define PART_DESCRIBED 4
#define PART_EXTENDED 8

#endif
