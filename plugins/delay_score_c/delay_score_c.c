/* A sample plugin: how late a departure was beyond a threshold, eased by the
 * wind. The twin of ../delay_score, which is written in Go. See README.md. */
#include "featurehost.h"

static double threshold;

int plugin_open(const fh_config *config, const fh_batch *in, fh_output *out) {
  (void)in;
  threshold = fh_config_number(config, "threshold_minutes", 15);
  return fh_declare(out, "delay_score", FH_FLOAT64, FH_NULLABLE);
}

int plugin_process(const fh_batch *in, fh_output *out) {
  static double known_wind[FH_BLOCK];
  const fh_column *delay = &in->columns[0], *wind = &in->columns[1];
  fh_result *score = &out->columns[0];
  const double t = threshold;
  fh_copy_nulls(score, delay);
  for (int64_t from = 0; from < in->rows; from += FH_BLOCK) {
    int64_t n = in->rows - from < FH_BLOCK ? in->rows - from : FH_BLOCK;
    const double *d = fh_doubles(delay) + from, *w = fh_doubles_or(wind, from, n, 0, known_wind);
    double *restrict s = fh_doubles_of(score) + from;
    for (int64_t i = 0; i < n; i++) {
      double late = d[i] - t;
      s[i] = (late <= 0 ? 0 : late) / (1 + w[i] / 10);
    }
  }
  return FH_OK;
}
