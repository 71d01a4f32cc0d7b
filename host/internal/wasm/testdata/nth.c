/* A keyed guest: the number of each row among those of its key, and at the end
 * one row for each key with the number of its rows. With config "half" it answers
 * for every other row only, last ones first; with "fail" it misbehaves. */
#define FH_KEYED
#define FH_FLUSH_ROWS 3
#include "featurehost.h"

#include <stdlib.h>

static char fail[16];
static bool half;
static int64_t *keys, *counts, *last;
static int64_t n_keys, flushed;

int plugin_open(const fh_config *config, const fh_batch *in, fh_output *out) {
  (void)in;
  fh_config_string(config, "fail", fail, sizeof fail);
  half = fh_config_bool(config, "half", false);
  int status = fh_declare(out, "fh_rows", FH_INT32, FH_NOT_NULL);
  if (!status) status = fh_declare(out, "nth", FH_INT64, FH_NULLABLE);
  return status;
}

static int64_t *of(int64_t key) {
  for (int64_t i = n_keys; i-- > 0;)
    if (keys[i] == key) return &counts[i];
  keys = realloc(keys, (size_t)(n_keys + 1) * sizeof *keys);
  counts = realloc(counts, (size_t)(n_keys + 1) * sizeof *counts);
  last = realloc(last, (size_t)(n_keys + 1) * sizeof *last);
  keys[n_keys] = key;
  counts[n_keys] = 0;
  return &counts[n_keys++];
}

int plugin_process(const fh_batch *in, fh_output *out) {
  const int64_t *key = fh_int64s(&in->columns[0]), *time = fh_int64s(&in->columns[1]);
  int32_t *rows = fh_int32s_of(&out->columns[0]);
  int64_t *nth = fh_int64s_of(&out->columns[1]), m = 0;
  for (int64_t i = 0; i < in->rows; i++) {
    int64_t *n = of(key[i]);
    ++*n;
    last[n - counts] = time[i];
    if (half && *n % 2 == 0) continue;
    rows[m] = (int32_t)i;
    nth[m++] = *n;
  }
  if (half) /* in another order than they came */
    for (int64_t a = 0, b = m - 1; a < b; a++, b--) {
      int32_t r = rows[a];
      int64_t v = nth[a];
      rows[a] = rows[b], nth[a] = nth[b];
      rows[b] = r, nth[b] = v;
    }
  out->rows = m;
  if (!strcmp(fail, "rows")) rows[0] = (int32_t)in->rows;
  if (!strcmp(fail, "trap")) __builtin_trap();
  if (!strcmp(fail, "many")) { /* the first row again and again */
    out->rows = 200000;
    out->columns[0].data = memset(aligned_alloc(64, 4 * 200000), 0, 4 * 200000);
    out->columns[1].data = memset(aligned_alloc(64, 8 * 200000), 0, 8 * 200000);
  }
  return FH_OK;
}

int plugin_flush(fh_output *out) {
  if (!strcmp(fail, "flush")) return fh_fail(FH_ERR_DATA, "cannot");
  if (!strcmp(fail, "flushtrap")) __builtin_trap();
  if (!strcmp(fail, "endless")) return FH_OK;
  int64_t m = 0;
  for (; flushed < n_keys && m < FH_FLUSH_ROWS; flushed++, m++) {
    fh_int64s_of(&out->columns[0])[m] = keys[flushed];
    fh_int64s_of(&out->columns[1])[m] = last[flushed];
    fh_int64s_of(&out->columns[2])[m] = counts[flushed];
  }
  out->rows = m;
  return m ? FH_OK : FH_END;
}
