/* The plugin of the example: delays in hours. It fails on a delay that is longer
 * than its config says a delay can be. */
#include "featurehost.h"

static double most;

int plugin_open(const fh_config *config, const fh_batch *in, fh_output *out) {
  (void)in;
  most = fh_config_number(config, "most_minutes", 1000);
  return fh_declare(out, "lost_hours", FH_FLOAT64, FH_NULLABLE);
}

int plugin_process(const fh_batch *in, fh_output *out) {
  const fh_column *delay = &in->columns[0];
  const double *minutes = fh_doubles(delay);
  fh_result *lost = &out->columns[0];
  fh_copy_nulls(lost, delay);
  for (int64_t i = 0; i < in->rows; i++) {
    if (!fh_is_null(delay, i) && minutes[i] > most) return fh_fail(FH_ERR_DATA, "a delay is longer than most_minutes");
    fh_doubles_of(lost)[i] = minutes[i] / 60;
  }
  return FH_OK;
}
