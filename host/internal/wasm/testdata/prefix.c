/* A guest of the benchmarks: the first 8 bytes of each text. */
#include "featurehost.h"

int plugin_open(const fh_config *config, const fh_batch *in, fh_output *out) {
  (void)config, (void)in;
  return fh_declare(out, "prefix", FH_UTF8, 0);
}

int plugin_process(const fh_batch *in, fh_output *out) {
  for (int64_t i = 0; i < in->rows; i++) {
    int32_t n;
    const char *s = fh_text(&in->columns[0], i, &n);
    fh_append(&out->columns[0], s, n < 8 ? (size_t)n : 8);
  }
  return FH_OK;
}
