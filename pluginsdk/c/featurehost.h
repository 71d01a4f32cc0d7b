/* featurehost.h: write featurehost plugins in C. One header, no library.
 *
 * A plugin is two functions and a manifest:
 *
 *     #include "featurehost.h"
 *
 *     static double factor;
 *
 *     int plugin_open(const fh_config *config, const fh_batch *in, fh_output *out) {
 *       factor = fh_config_number(config, "factor", 1);
 *       return fh_declare(out, "y", FH_FLOAT64, FH_NULLABLE);
 *     }
 *
 *     int plugin_process(const fh_batch *in, fh_output *out) {
 *       const fh_column *x = &in->columns[0];   // the manifest's order
 *       fh_result *y = &out->columns[0];        // the order of fh_declare
 *       for (int64_t i = 0; i < in->rows; i++) {
 *         if (fh_is_null(x, i)) fh_set_null(y, i);
 *         else fh_doubles_of(y)[i] = fh_doubles(x)[i] * factor;
 *       }
 *       return FH_OK;
 *     }
 *
 * Build it with
 *
 *     clang --target=wasm32-wasi -O3 -mbulk-memory -mexec-model=reactor x.c -lm -o x.wasm
 *     featurehost plugin pack x.wasm manifest.json
 *
 * Rules: input is read-only and gone when plugin_process returns; output
 * memory belongs to this header and is used again for the next batch; rows
 * not set are 0, and texts not appended are a data error. Include the header
 * in one file of a plugin; in others define FH_DECLARATIONS_ONLY first.
 */
#ifndef FEATUREHOST_H
#define FEATUREHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

/* ---- the ABI: numbers shared with the host (abi.Constants) ------------- */

#define FH_ABI_VERSION 65536 /* 1.0 */
#define FH_ARRAY_LENGTH 0
#define FH_ARRAY_NULL_COUNT 8
#define FH_ARRAY_OFFSET 16
#define FH_ARRAY_N_BUFFERS 24
#define FH_ARRAY_N_CHILDREN 32
#define FH_ARRAY_BUFFERS 40
#define FH_ARRAY_CHILDREN 44
#define FH_ARRAY_DICTIONARY 48
#define FH_ARRAY_RELEASE 52
#define FH_ARRAY_PRIVATE_DATA 56
#define FH_ARRAY_SIZE 64
#define FH_SCHEMA_FORMAT 0
#define FH_SCHEMA_NAME 4
#define FH_SCHEMA_METADATA 8
#define FH_SCHEMA_FLAGS 16
#define FH_SCHEMA_N_CHILDREN 24
#define FH_SCHEMA_CHILDREN 32
#define FH_SCHEMA_DICTIONARY 36
#define FH_SCHEMA_RELEASE 40
#define FH_SCHEMA_PRIVATE_DATA 44
#define FH_SCHEMA_SIZE 48
#define FH_FLAG_NULLABLE 2
#define FH_ALIGN 8
#define FH_ALLOC_ALIGN 64

/* what a function of a plugin answers; 64 to 127 are its own data errors */
#define FH_OK 0
#define FH_ERR_DATA 1
#define FH_ERR_CONFIG 2
#define FH_ERR_SCHEMA 3
#define FH_ERR_MEMORY 4
#define FH_ERR_UNSUPPORTED 5
#define FH_ERR_STATE 6

struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

struct ArrowSchema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

#define FH_AT_(s, field, at) _Static_assert(offsetof(struct s, field) == (at), #s "." #field)
FH_AT_(ArrowArray, length, FH_ARRAY_LENGTH);
FH_AT_(ArrowArray, null_count, FH_ARRAY_NULL_COUNT);
FH_AT_(ArrowArray, offset, FH_ARRAY_OFFSET);
FH_AT_(ArrowArray, n_buffers, FH_ARRAY_N_BUFFERS);
FH_AT_(ArrowArray, n_children, FH_ARRAY_N_CHILDREN);
FH_AT_(ArrowArray, buffers, FH_ARRAY_BUFFERS);
FH_AT_(ArrowArray, children, FH_ARRAY_CHILDREN);
FH_AT_(ArrowArray, dictionary, FH_ARRAY_DICTIONARY);
FH_AT_(ArrowArray, release, FH_ARRAY_RELEASE);
FH_AT_(ArrowArray, private_data, FH_ARRAY_PRIVATE_DATA);
FH_AT_(ArrowSchema, format, FH_SCHEMA_FORMAT);
FH_AT_(ArrowSchema, name, FH_SCHEMA_NAME);
FH_AT_(ArrowSchema, metadata, FH_SCHEMA_METADATA);
FH_AT_(ArrowSchema, flags, FH_SCHEMA_FLAGS);
FH_AT_(ArrowSchema, n_children, FH_SCHEMA_N_CHILDREN);
FH_AT_(ArrowSchema, children, FH_SCHEMA_CHILDREN);
FH_AT_(ArrowSchema, dictionary, FH_SCHEMA_DICTIONARY);
FH_AT_(ArrowSchema, release, FH_SCHEMA_RELEASE);
FH_AT_(ArrowSchema, private_data, FH_SCHEMA_PRIVATE_DATA);
_Static_assert(sizeof(struct ArrowArray) == FH_ARRAY_SIZE, "ArrowArray");
_Static_assert(sizeof(struct ArrowSchema) == FH_SCHEMA_SIZE, "ArrowSchema");

/* ---- types, as the C Data Interface spells them ------------------------ */

#define FH_BOOL "b"
#define FH_INT8 "c"
#define FH_INT16 "s"
#define FH_INT32 "i"
#define FH_INT64 "l"
#define FH_UINT8 "C"
#define FH_UINT16 "S"
#define FH_UINT32 "I"
#define FH_UINT64 "L"
#define FH_FLOAT32 "f"
#define FH_FLOAT64 "g"
#define FH_UTF8 "u"
#define FH_BINARY "z"
#define FH_DATE32 "tdD"
#define FH_TIMESTAMP_US "tsu:"       /* without a zone */
#define FH_TIMESTAMP_US_UTC "tsu:UTC" /* others: tss: tsm: tsn: + zone */

#define FH_NULLABLE 1
#define FH_NOT_NULL 0

/* ---- input -------------------------------------------------------------- */

/* A column of the input. name and format are there in plugin_open, the rest
 * in plugin_process. */
typedef struct {
  const char *name, *format;
  bool nullable;
  int64_t offset;        /* of row 0, in all buffers */
  const uint8_t *valid;  /* bits; NULL when nothing is null */
  const void *data;      /* values, bits of a bool, bytes of texts */
  const int32_t *starts; /* texts only */
} fh_column;

typedef struct {
  int64_t rows;
  int32_t n_columns;
  const fh_column *columns;
} fh_batch;

static inline bool fh_is_null(const fh_column *c, int64_t i) {
  int64_t k = i + c->offset;
  return c->valid && !(c->valid[k >> 3] >> (k & 7) & 1);
}
/* values of a column; pick the function of its type */
static inline const double *fh_doubles(const fh_column *c) { return (const double *)c->data + c->offset; }
static inline const float *fh_floats(const fh_column *c) { return (const float *)c->data + c->offset; }
static inline const int8_t *fh_int8s(const fh_column *c) { return (const int8_t *)c->data + c->offset; }
static inline const int16_t *fh_int16s(const fh_column *c) { return (const int16_t *)c->data + c->offset; }
static inline const int32_t *fh_int32s(const fh_column *c) { return (const int32_t *)c->data + c->offset; } /* date32 too */
static inline const int64_t *fh_int64s(const fh_column *c) { return (const int64_t *)c->data + c->offset; } /* timestamp too */
static inline const uint8_t *fh_uint8s(const fh_column *c) { return (const uint8_t *)c->data + c->offset; }
static inline const uint16_t *fh_uint16s(const fh_column *c) { return (const uint16_t *)c->data + c->offset; }
static inline const uint32_t *fh_uint32s(const fh_column *c) { return (const uint32_t *)c->data + c->offset; }
static inline const uint64_t *fh_uint64s(const fh_column *c) { return (const uint64_t *)c->data + c->offset; }
static inline bool fh_bool(const fh_column *c, int64_t i) {
  int64_t k = i + c->offset;
  return ((const uint8_t *)c->data)[k >> 3] >> (k & 7) & 1;
}
/* text of row i: not closed by a zero byte; its length goes to *n */
static inline const char *fh_text(const fh_column *c, int64_t i, int32_t *n) {
  const int32_t *s = c->starts + c->offset + i;
  *n = s[1] - s[0];
  return (const char *)c->data + s[0];
}
/* Doubles of rows from..from+n-1 with nulls replaced: the column's own memory
 * when it has no nulls, else buf. Loops over the answer have no branches, so
 * the compiler can vectorise them; blocks of FH_BLOCK rows stay in the cache. */
#define FH_BLOCK 512
static inline const double *fh_doubles_or(const fh_column *c, int64_t from, int64_t n, double otherwise, double *buf) {
  const double *v = fh_doubles(c) + from;
  if (!c->valid) return v;
  int64_t bit = c->offset + from;
  const uint8_t *p = c->valid + (bit >> 3);
  uint32_t shift = (uint32_t)(bit & 7);
  int64_t i = 0;
#ifdef __wasm_simd128__
  static const int64_t masks[4][2] = {{0, 0}, {-1, 0}, {0, -1}, {-1, -1}};
  const v128_t other = wasm_f64x2_splat(otherwise);
  for (; i + 8 <= n; i += 8, p++) {
    uint32_t m = shift ? (uint32_t)(p[0] | p[1] << 8) >> shift : p[0];
    for (int k = 0; k < 8; k += 2)
      wasm_v128_store(buf + i + k, wasm_v128_bitselect(wasm_v128_load(v + i + k), other, wasm_v128_load(masks[m >> k & 3])));
  }
#else
  for (; i + 8 <= n; i += 8, p++) {
    uint32_t m = shift ? (uint32_t)(p[0] | p[1] << 8) >> shift : p[0];
    for (int k = 0; k < 8; k++) buf[i + k] = m >> k & 1 ? v[i + k] : otherwise;
  }
#endif
  for (; i < n; i++) buf[i] = fh_is_null(c, from + i) ? otherwise : v[i];
  return buf;
}
/* number of the column of that name, or -1 */
static inline int fh_find(const fh_batch *b, const char *name) {
  for (int i = 0; i < b->n_columns; i++)
    if (!strcmp(b->columns[i].name, name)) return i;
  return -1;
}

/* ---- output ------------------------------------------------------------- */

/* A column of the output. */
typedef struct {
  const char *name, *format;
  bool nullable;
  int width;            /* bytes of a value; 0 bits, -1 texts */
  int64_t rows, nulls;  /* rows: appended, texts only; nulls: -1 not counted */
  uint8_t *valid;       /* bits, all set at first; nullable columns only */
  void *data;
  int32_t *starts;      /* texts only */
  uint32_t used, room;  /* bytes of data, texts only */
  bool no_memory;
} fh_result;

#ifndef FH_MAX_OUTPUTS
#define FH_MAX_OUTPUTS 64
#endif

typedef struct {
  int64_t rows; /* as many as the input; a filter by fh_rows lowers it */
  int32_t n_columns;
  fh_result columns[FH_MAX_OUTPUTS];
} fh_output;

static inline void fh_set_null(fh_result *r, int64_t i) {
  uint8_t bit = (uint8_t)(1u << (i & 7));
  if (!r->valid) { /* the manifest says that nothing is null here: the host refuses */
    r->nulls = -2;
    return;
  }
  if (r->nulls >= 0) r->nulls += r->valid[i >> 3] >> (i & 7) & 1;
  r->valid[i >> 3] &= (uint8_t)~bit;
}
/* Makes every row null that is null in c: faster than row by row, and rows
 * that are null may then be computed like any other, since the host does not
 * look at them. */
void fh_copy_nulls(fh_result *r, const fh_column *c);
static inline double *fh_doubles_of(fh_result *r) { return (double *)r->data; }
static inline float *fh_floats_of(fh_result *r) { return (float *)r->data; }
static inline int8_t *fh_int8s_of(fh_result *r) { return (int8_t *)r->data; }
static inline int16_t *fh_int16s_of(fh_result *r) { return (int16_t *)r->data; }
static inline int32_t *fh_int32s_of(fh_result *r) { return (int32_t *)r->data; }
static inline int64_t *fh_int64s_of(fh_result *r) { return (int64_t *)r->data; }
static inline uint8_t *fh_uint8s_of(fh_result *r) { return (uint8_t *)r->data; }
static inline uint16_t *fh_uint16s_of(fh_result *r) { return (uint16_t *)r->data; }
static inline uint32_t *fh_uint32s_of(fh_result *r) { return (uint32_t *)r->data; }
static inline uint64_t *fh_uint64s_of(fh_result *r) { return (uint64_t *)r->data; }
static inline void fh_set_bool(fh_result *r, int64_t i, bool v) {
  uint8_t *p = (uint8_t *)r->data + (i >> 3), bit = (uint8_t)(1u << (i & 7));
  *p = (uint8_t)(v ? *p | bit : *p & ~bit);
}

/* Declares the next output column; in plugin_open. The name is copied. */
int fh_declare(fh_output *out, const char *name, const char *format, int nullable);
/* Gives the next row of a column of texts a value, or null. */
void fh_append(fh_result *r, const void *bytes, size_t n);
void fh_append_null(fh_result *r);

/* ---- configuration ------------------------------------------------------ */

/* The configuration is a JSON object whose defaults the host has filled in.
 * It is gone when plugin_open returns. */
typedef struct {
  const char *json;
  size_t size;
} fh_config;

/* Values of top-level keys; otherwise is the answer when the key is missing
 * or holds something else. */
double fh_config_number(const fh_config *c, const char *key, double otherwise);
bool fh_config_bool(const fh_config *c, const char *key, bool otherwise);
/* Copies a text into buf, closed by a zero byte. False, with buf empty, when
 * the key is missing, holds something else, or the text does not fit. */
bool fh_config_string(const fh_config *c, const char *key, char *buf, size_t size);

/* ---- the host ------------------------------------------------------------ */

#define FH_LOG_ERROR 0
#define FH_LOG_WARN 1
#define FH_LOG_INFO 2
#define FH_LOG_DEBUG 3
#define FH_LOG_TRACE 4

/* A line in the host's log, at most 4 KiB; 100 a second are kept. */
void fh_log(int level, const char *text);
/* Says why the call is about to fail, and gives status back. */
int fh_fail(int status, const char *text);

/* ---- what a plugin supplies ---------------------------------------------- */

int plugin_open(const fh_config *config, const fh_batch *in, fh_output *out);
int plugin_process(const fh_batch *in, fh_output *out);

/* A keyed plugin defines FH_KEYED before it includes the header. It sees all rows
 * of a key, in order of time: fh_find(in, "fh_key_0") and so on are the key's
 * columns, fh_find(in, "fh_time") its time. Its first output column is "fh_rows",
 * an int32: the input row that each output row goes with.
 *
 * plugin_flush is called at the end of input until it answers FH_END. Its output
 * has the columns of the key, the time, then those declared but for fh_rows, and
 * room for FH_FLUSH_ROWS rows; it sets out->rows. */
#ifdef FH_KEYED
#define FH_END -1
#ifndef FH_FLUSH_ROWS
#define FH_FLUSH_ROWS 8192
#endif
int plugin_flush(fh_output *out);
#endif

/* ==== the code behind it ==================================================== */
#ifndef FH_DECLARATIONS_ONLY

#include <stdlib.h>

#define FH_EXPORT_(name) __attribute__((export_name(#name), used))
#define FH_IMPORT_(name) __attribute__((import_module("featurehost_v1"), import_name(#name)))

FH_IMPORT_(log) void fh_import_log_(int32_t level, const char *p, int32_t n);
FH_IMPORT_(set_error) void fh_import_set_error_(const char *p, int32_t n);

void fh_log(int level, const char *text) { fh_import_log_(level, text, (int32_t)strlen(text)); }

int fh_fail(int status, const char *text) {
  fh_import_set_error_(text, (int32_t)strlen(text));
  return status;
}

/* -- arena: output memory, taken in sequence and given back all at once. It
 *    is one block after the first large batch. -- */

typedef struct fh_block_ {
  struct fh_block_ *next;
  size_t size, used;
} fh_block_;

static fh_block_ *fh_arena_;

static void *fh_take_(size_t n) {
  n = (n + FH_ALLOC_ALIGN - 1) & ~(size_t)(FH_ALLOC_ALIGN - 1);
  if (!fh_arena_ || fh_arena_->size - fh_arena_->used < n) {
    size_t size = fh_arena_ ? fh_arena_->size * 2 : (size_t)1 << 16;
    if (size < n + FH_ALLOC_ALIGN) size = n + FH_ALLOC_ALIGN;
    fh_block_ *b = (fh_block_ *)aligned_alloc(FH_ALLOC_ALIGN, size);
    if (!b && size > n + FH_ALLOC_ALIGN) b = (fh_block_ *)aligned_alloc(FH_ALLOC_ALIGN, size = n + FH_ALLOC_ALIGN);
    if (!b) return NULL;
    b->next = fh_arena_;
    b->size = size;
    b->used = FH_ALLOC_ALIGN; /* the header of the block */
    fh_arena_ = b;
  }
  void *p = (char *)fh_arena_ + fh_arena_->used;
  fh_arena_->used += n;
  return p;
}

static void fh_reset_(void) {
  if (!fh_arena_) return;
  while (fh_arena_->next) { /* keep the newest, which is the largest */
    fh_block_ *old = fh_arena_->next;
    fh_arena_->next = old->next;
    free(old);
  }
  fh_arena_->used = FH_ALLOC_ALIGN;
}

/* -- output columns -- */

static fh_output fh_out_;
static fh_batch fh_in_;

static int fh_width_(const char *format) {
  switch (format[0]) {
  case 'b': return 0;
  case 'c': case 'C': return 1;
  case 's': case 'S': return 2;
  case 'i': case 'I': case 'f': return 4;
  case 'l': case 'L': case 'g': return 8;
  case 'u': case 'z': return -1;
  case 't': return format[1] == 's' ? 8 : format[1] == 'd' && format[2] == 'D' ? 4 : -2;
  }
  return -2;
}

static char *fh_copy_(const char *s) {
  size_t n = strlen(s) + 1;
  char *p = (char *)malloc(n);
  return p ? (char *)memcpy(p, s, n) : NULL;
}

int fh_declare(fh_output *out, const char *name, const char *format, int nullable) {
  if (out->n_columns == FH_MAX_OUTPUTS) return fh_fail(FH_ERR_UNSUPPORTED, "too many output columns: define FH_MAX_OUTPUTS");
  if (fh_width_(format) < -1) return fh_fail(FH_ERR_UNSUPPORTED, "the C SDK has no output columns of this type");
  fh_result *r = &out->columns[out->n_columns++];
  memset(r, 0, sizeof *r);
  r->name = fh_copy_(name);
  r->format = fh_copy_(format);
  if (!r->name || !r->format) return FH_ERR_MEMORY;
  r->nullable = nullable != 0;
  r->width = fh_width_(format);
  return FH_OK;
}

static bool fh_prepare_(fh_result *r, int64_t rows) {
  size_t bits = ((size_t)rows + 7) / 8;
  r->rows = r->nulls = 0;
  r->no_memory = false;
  r->valid = NULL;
  if (r->nullable) {
    if (!(r->valid = (uint8_t *)fh_take_(bits))) return false;
    memset(r->valid, 0xFF, bits);
  }
  if (r->width < 0) {
    r->starts = (int32_t *)fh_take_(((size_t)rows + 1) * 4);
    r->room = r->used = 0;
    r->data = NULL;
    if (!r->starts) return false;
    r->starts[0] = 0;
    return true;
  }
  size_t n = r->width ? (size_t)rows * (size_t)r->width : bits;
  if (!(r->data = fh_take_(n))) return false;
  memset(r->data, 0, n);
  return true;
}

void fh_copy_nulls(fh_result *r, const fh_column *c) {
  int64_t rows = fh_in_.rows, bytes = (rows + 7) / 8;
  if (!c->valid) return;
  if (!r->valid) {
    for (int64_t i = 0; i < rows; i++)
      if (fh_is_null(c, i)) fh_set_null(r, i);
    return;
  }
  const uint8_t *p = c->valid + (c->offset >> 3), *last = c->valid + ((c->offset + rows - 1) >> 3);
  uint32_t shift = (uint32_t)(c->offset & 7);
  for (int64_t i = 0; i < bytes; i++) {
    uint32_t m = p[i];
    if (shift) m = (m | (uint32_t)(p + i < last ? p[i + 1] : 0) << 8) >> shift;
    r->valid[i] &= (uint8_t)m;
  }
  r->nulls = -1; /* the host counts */
}

static void fh_next_(fh_result *r) {
  if (r->rows < fh_in_.rows) r->starts[++r->rows] = (int32_t)r->used;
  else r->rows = INT64_MAX; /* too many: a data error at the end */
}

void fh_append(fh_result *r, const void *bytes, size_t n) {
  if (r->rows >= fh_in_.rows) {
    r->rows = INT64_MAX;
    return;
  }
  if (n > r->room - r->used) {
    uint64_t room = (uint64_t)r->room * 2 + n;
    if (room < (uint64_t)fh_in_.rows * 8) room = (uint64_t)fh_in_.rows * 8;
    void *p = room > INT32_MAX ? NULL : fh_take_((size_t)room);
    if (!p) {
      r->no_memory = true;
      n = 0;
    } else {
      if (r->used) memcpy(p, r->data, r->used);
      r->data = p;
      r->room = (uint32_t)room;
    }
  }
  if (n) memcpy((char *)r->data + r->used, bytes, n);
  r->used += (uint32_t)n;
  fh_next_(r);
}

void fh_append_null(fh_result *r) {
  if (r->rows < fh_in_.rows) fh_set_null(r, r->rows);
  fh_next_(r);
}

/* -- JSON: enough to find a top-level key -- */

typedef struct {
  const char *p, *end;
} fh_json_;

static void fh_space_(fh_json_ *j) {
  while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\t' || *j->p == '\r')) j->p++;
}

static void fh_skip_string_(fh_json_ *j) {
  for (j->p++; j->p < j->end && *j->p != '"'; j->p++)
    if (*j->p == '\\') j->p++;
  if (j->p < j->end) j->p++;
  else j->p = j->end;
}

static void fh_skip_(fh_json_ *j) {
  int depth = 0;
  fh_space_(j);
  while (j->p < j->end) {
    char c = *j->p;
    if (c == '"') {
      fh_skip_string_(j);
      if (!depth) return;
      continue;
    }
    if (c == '{' || c == '[') depth++;
    if (c == '}' || c == ']') {
      if (!depth) return;
      j->p++;
      if (!--depth) return;
      continue;
    }
    if (c == ',' && !depth) return;
    j->p++;
  }
}

static fh_json_ fh_value_(const fh_config *c, const char *key) {
  fh_json_ j = {c->json, c->json + c->size}, none = {NULL, NULL};
  size_t n = strlen(key);
  fh_space_(&j);
  if (j.p == j.end || *j.p != '{') return none;
  j.p++;
  for (;;) {
    fh_space_(&j);
    if (j.p >= j.end || *j.p != '"') return none;
    const char *name = j.p + 1;
    fh_skip_string_(&j);
    bool same = (size_t)(j.p - name) == n + 1 && !memcmp(name, key, n);
    fh_space_(&j);
    if (j.p >= j.end || *j.p++ != ':') return none;
    fh_space_(&j);
    fh_json_ v = {j.p, j.p};
    fh_skip_(&j);
    v.end = j.p;
    if (same) return v;
    fh_space_(&j);
    if (j.p >= j.end || *j.p++ != ',') return none;
  }
}

double fh_config_number(const fh_config *c, const char *key, double otherwise) {
  fh_json_ v = fh_value_(c, key);
  size_t n = (size_t)(v.end - v.p);
  char buf[400], *end;
  if (!v.p || !n || n >= sizeof buf || !(*v.p == '-' || (*v.p >= '0' && *v.p <= '9'))) return otherwise;
  memcpy(buf, v.p, n);
  buf[n] = 0;
  double x = strtod(buf, &end);
  return end == buf ? otherwise : x;
}

bool fh_config_bool(const fh_config *c, const char *key, bool otherwise) {
  fh_json_ v = fh_value_(c, key);
  if (v.end - v.p >= 4 && !memcmp(v.p, "true", 4)) return true;
  if (v.end - v.p >= 5 && !memcmp(v.p, "false", 5)) return false;
  return otherwise;
}

static int32_t fh_hex4_(const char *p) {
  int32_t x = 0;
  for (int i = 0; i < 4; i++) {
    char d = p[i];
    int v = d >= '0' && d <= '9' ? d - '0' : (d | 32) >= 'a' && (d | 32) <= 'f' ? (d | 32) - 'a' + 10 : -1;
    if (v < 0) return -1;
    x = x * 16 + v;
  }
  return x;
}

bool fh_config_string(const fh_config *c, const char *key, char *buf, size_t size) {
  fh_json_ v = fh_value_(c, key);
  size_t n = 0;
  if (size) buf[0] = 0;
  if (!v.p || v.p == v.end || *v.p != '"') return false;
  for (const char *p = v.p + 1; p < v.end; p++) {
    uint32_t r = (uint8_t)*p;
    if (*p == '"') {
      if (n >= size) break;
      buf[n] = 0;
      return true;
    }
    if (*p == '\\' && ++p < v.end) {
      const char *from = "\"\\/bfnrt", *to = "\"\\/\b\f\n\r\t", *at = strchr(from, *p);
      if (at && *p) {
        r = (uint8_t)to[at - from];
      } else if (*p == 'u' && v.end - p > 4) {
        int32_t x = fh_hex4_(p + 1);
        if (x < 0) break;
        p += 4;
        if (x >= 0xD800 && x < 0xDC00 && v.end - p > 6 && p[1] == '\\' && p[2] == 'u') {
          int32_t low = fh_hex4_(p + 3);
          if (low >= 0xDC00 && low < 0xE000) {
            x = ((x - 0xD800) << 10) + (low - 0xDC00) + 0x10000;
            p += 6;
          }
        }
        if (x >= 0xD800 && x < 0xE000) x = 0xFFFD;
        char u[4];
        int k = x < 0x80 ? 1 : x < 0x800 ? 2 : x < 0x10000 ? 3 : 4;
        for (int i = k - 1; i > 0; i--, x >>= 6) u[i] = (char)(0x80 | (x & 63));
        u[0] = (char)(k == 1 ? x : (0xF00 >> k & 0xFF & (0xFF << (8 - k))) | x);
        if (n + (size_t)k >= size) break;
        memcpy(buf + n, u, (size_t)k);
        n += (size_t)k;
        continue;
      } else {
        break;
      }
    }
    if (n + 1 >= size) break;
    buf[n++] = (char)r;
  }
  if (size) buf[0] = 0;
  return false;
}

/* -- exports -- */

static fh_column *fh_columns_;

/* An output with the structs by which it is answered. */
typedef struct {
  struct ArrowArray *arrays, **children;
  const void *(*buffers)[3];
} fh_answer_;

static fh_answer_ fh_answer_of_process_;

static bool fh_answers_(fh_answer_ *a, const fh_output *out) {
  size_t m = (size_t)out->n_columns;
  a->arrays = (struct ArrowArray *)calloc(m + 1, sizeof *a->arrays);
  a->children = (struct ArrowArray **)calloc(m + 1, sizeof *a->children);
  a->buffers = (const void *(*)[3])calloc(m + 1, sizeof *a->buffers);
  if (!a->arrays || !a->children || !a->buffers) return false;
  for (size_t i = 0; i < m; i++) {
    a->arrays[i].n_buffers = out->columns[i].width < 0 ? 3 : 2;
    a->arrays[i].buffers = a->buffers[i];
    a->children[i] = &a->arrays[i];
  }
  return true;
}

/* Makes room for rows in all columns. */
static int fh_begin_(fh_output *out, int64_t rows) {
  out->rows = rows;
  fh_reset_();
  for (int32_t i = 0; i < out->n_columns; i++)
    if (!fh_prepare_(&out->columns[i], rows)) return fh_fail(FH_ERR_MEMORY, "no memory for the output");
  return FH_OK;
}

/* Writes the columns into the struct that the host gave. */
static int fh_end_(const fh_answer_ *a, fh_output *out, struct ArrowArray *to) {
  static const void *none[1];
  for (int32_t i = 0; i < out->n_columns; i++) {
    fh_result *r = &out->columns[i];
    if (r->no_memory) return fh_fail(FH_ERR_MEMORY, "no memory for a column of texts");
    if (r->nulls < -1) return fh_fail(FH_ERR_DATA, "a null in an output column that was declared FH_NOT_NULL");
    if (r->width < 0 && r->rows != out->rows) return fh_fail(FH_ERR_DATA, "a column of texts has another number of rows than the batch");
    a->arrays[i].length = out->rows;
    a->arrays[i].null_count = r->nulls;
    a->buffers[i][0] = r->nulls ? r->valid : NULL;
    a->buffers[i][1] = r->width < 0 ? (const void *)r->starts : r->data;
    a->buffers[i][2] = r->data;
  }
  memset(to, 0, sizeof *to);
  to->length = out->rows;
  to->n_buffers = 1;
  to->n_children = out->n_columns;
  to->buffers = none;
  to->children = a->children;
  return FH_OK;
}

#ifdef FH_KEYED
static fh_output fh_flushed_;
static fh_answer_ fh_answer_of_flush_;

/* The output of plugin_flush: keys and time as they come in, then the columns
 * declared. */
static int fh_plan_flush_(void) {
  if (!fh_out_.n_columns || strcmp(fh_out_.columns[0].name, "fh_rows")) return fh_fail(FH_ERR_SCHEMA, "the first output column of a keyed plugin is fh_rows");
  fh_flushed_.n_columns = 0;
  for (int32_t i = 0; i < fh_in_.n_columns; i++) {
    const fh_column *c = &fh_in_.columns[i];
    if (strncmp(c->name, "fh_key_", 7) && strcmp(c->name, "fh_time")) continue;
    int status = fh_declare(&fh_flushed_, c->name, c->format, FH_NULLABLE);
    if (status) return status;
  }
  for (int32_t i = 1; i < fh_out_.n_columns; i++) {
    const fh_result *r = &fh_out_.columns[i];
    int status = fh_declare(&fh_flushed_, r->name, r->format, r->nullable);
    if (status) return status;
  }
  return fh_answers_(&fh_answer_of_flush_, &fh_flushed_) ? FH_OK : FH_ERR_MEMORY;
}
#endif

FH_EXPORT_(fh_abi_version) int32_t fh_abi_version_(void) { return FH_ABI_VERSION; }

FH_EXPORT_(fh_alloc) void *fh_alloc_(uint32_t size) {
  if (size > UINT32_MAX - FH_ALLOC_ALIGN) return NULL;
  if (!size) size = 1;
  return aligned_alloc(FH_ALLOC_ALIGN, (size + FH_ALLOC_ALIGN - 1) & ~(uint32_t)(FH_ALLOC_ALIGN - 1));
}

FH_EXPORT_(fh_free) void fh_free_(void *p, uint32_t size) {
  (void)size;
  free(p);
}

FH_EXPORT_(fh_init) int32_t fh_init_(const char *json, uint32_t size, const struct ArrowSchema *in, struct ArrowSchema *out) {
  fh_config config = {json, size};
  size_t n = (size_t)in->n_children;
  fh_columns_ = (fh_column *)calloc(n + 1, sizeof *fh_columns_);
  if (!fh_columns_) return FH_ERR_MEMORY;
  for (size_t i = 0; i < n; i++) {
    fh_column *c = &fh_columns_[i];
    c->name = fh_copy_(in->children[i]->name);
    c->format = fh_copy_(in->children[i]->format);
    c->nullable = in->children[i]->flags & FH_FLAG_NULLABLE;
    if (!c->name || !c->format) return FH_ERR_MEMORY;
    if (fh_width_(c->format) < -1) return fh_fail(FH_ERR_SCHEMA, "an input column is of a type that the C SDK does not read");
  }
  fh_in_.n_columns = (int32_t)n;
  fh_in_.columns = fh_columns_;
  fh_out_.n_columns = 0;
  int status = plugin_open(&config, &fh_in_, &fh_out_);
  if (status) return status;

  size_t m = (size_t)fh_out_.n_columns;
  struct ArrowSchema *schemas = (struct ArrowSchema *)calloc(m + 1, sizeof *schemas);
  struct ArrowSchema **table = (struct ArrowSchema **)calloc(m + 1, sizeof *table);
  if (!schemas || !table || !fh_answers_(&fh_answer_of_process_, &fh_out_)) return FH_ERR_MEMORY;
  for (size_t i = 0; i < m; i++) {
    const fh_result *r = &fh_out_.columns[i];
    schemas[i].format = r->format;
    schemas[i].name = r->name;
    schemas[i].flags = r->nullable ? FH_FLAG_NULLABLE : 0;
    table[i] = &schemas[i];
  }
#ifdef FH_KEYED
  if ((status = fh_plan_flush_())) return status;
#endif
  memset(out, 0, sizeof *out);
  out->format = "+s";
  out->name = "";
  out->n_children = (int64_t)m;
  out->children = table;
  return FH_OK;
}

FH_EXPORT_(fh_process) int32_t fh_process_(const struct ArrowArray *in, struct ArrowArray *out) {
  if (in->n_children != fh_in_.n_columns) return fh_fail(FH_ERR_SCHEMA, "the batch has another number of columns than the schema");
  fh_in_.rows = in->length;
  for (int32_t i = 0; i < fh_in_.n_columns; i++) {
    const struct ArrowArray *a = in->children[i];
    fh_column *c = &fh_columns_[i];
    c->offset = a->offset + in->offset;
    c->valid = a->null_count ? (const uint8_t *)a->buffers[0] : NULL;
    if (a->n_buffers == 3) {
      c->starts = (const int32_t *)a->buffers[1];
      c->data = a->buffers[2];
    } else {
      c->data = a->buffers[1];
    }
  }
  int status = fh_begin_(&fh_out_, fh_in_.rows);
  if (!status) status = plugin_process(&fh_in_, &fh_out_);
  return status ? status : fh_end_(&fh_answer_of_process_, &fh_out_, out);
}

#ifdef FH_KEYED
FH_EXPORT_(fh_flush) int32_t fh_flush_(struct ArrowArray *out) {
  fh_in_.rows = FH_FLUSH_ROWS; /* what fh_append has room for */
  int status = fh_begin_(&fh_flushed_, FH_FLUSH_ROWS);
  if (!status) {
    fh_flushed_.rows = 0;
    status = plugin_flush(&fh_flushed_);
  }
  if (status) return status;
  if (fh_flushed_.rows < 0 || fh_flushed_.rows > FH_FLUSH_ROWS) return fh_fail(FH_ERR_DATA, "plugin_flush has more rows than there is room for");
  return fh_end_(&fh_answer_of_flush_, &fh_flushed_, out);
}
#endif

FH_EXPORT_(fh_release) void fh_release_(struct ArrowArray *out) { (void)out; }

#endif /* FH_DECLARATIONS_ONLY */
#endif /* FEATUREHOST_H */
