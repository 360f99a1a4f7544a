-- Pktgen-DPDK: N flows at full rate for each frame size, and what came back: FLOWS=100000 SIZES=64 TRIAL=10. See bench.lua
-- for all settings. Checked against Pktgen's Lua functions (tests/scripts/pktgen_lua_test.py), not run with Pktgen.
package.path = (debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "?.lua;" .. package.path
local bench = require "bench"

bench.set_up()
bench.warm_up()
local rows = {}
for _, size in ipairs(bench.sizes) do
  bench.set_size(size)
  local trial = bench.run(tonumber(os.getenv("RATE") or 100), bench.trial_s)
  bench.say("%d bytes: %.3f Mpps sent, %.3f Mpps came back\n", size, trial.sent / trial.seconds / 1e6, bench.mpps(trial))
  rows[#rows + 1] = {size = size, rate_percent = trial.rate, sent = trial.sent, received = trial.received,
                     mpps = bench.mpps(trial)}
end
bench.write("range", {"size", "rate_percent", "sent", "received", "mpps"}, rows)
