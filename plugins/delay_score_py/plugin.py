"""A sample plugin: how late a departure was beyond a threshold, eased by the
wind. The twin of ../delay_score, which is a Wasm module. See README.md."""

import pyarrow as pa
import pyarrow.compute as pc

import featurehost_plugin as fh


def open(config, schema):
    out = pa.schema([pa.field("delay_score", pa.float64())])
    threshold = pa.scalar(config["threshold_minutes"], pa.float64())
    zero, one, ten = (pa.scalar(v, pa.float64()) for v in (0, 1, 10))

    def process(batch):
        delay, wind = batch.columns
        late = pc.subtract(delay, threshold)
        late = pc.if_else(pc.less_equal(late, zero), zero, late)
        eased = pc.add(one, pc.divide(pc.coalesce(wind, zero), ten))
        return pa.record_batch([pc.divide(late, eased)], schema=out)

    return out, process


fh.serve(open)
