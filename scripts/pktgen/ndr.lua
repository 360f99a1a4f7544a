-- Pktgen-DPDK: RFC 2544 throughput by halving, for each frame size: the highest rate without loss (NDR) and the highest
-- with at most LOSS percent (PDR, 0.5 unless set). Packets must come back to RECEIVE: nat and fullnat with a reflector,
-- direct and tunnel with the reals' port cabled to Pktgen (RECEIVE=1). TRIAL=10 RESOLUTION=1 for a quick look. See
-- bench.lua for all settings. Checked against Pktgen's Lua functions (tests/scripts/pktgen_lua_test.py), not run with it.
package.path = (debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "?.lua;" .. package.path
local bench = require "bench"

local pdr_percent = tonumber(os.getenv("LOSS") or 0.5)

bench.set_up()
bench.warm_up()
local rows = {}
for _, size in ipairs(bench.sizes) do
  bench.set_size(size)
  for _, search in ipairs({{"NDR", 0}, {"PDR", pdr_percent}}) do
    local name, loss_percent = search[1], search[2]
    local best = bench.highest(loss_percent / 100)
    if best then
      bench.say("%d bytes: %s %.3f Mpps, %.2f %% of the line rate\n", size, name, bench.mpps(best), best.rate)
    else
      bench.say("%d bytes: no %s down to %g %% of the line rate\n", size, name, bench.resolution)
    end
    rows[#rows + 1] = {size = size, search = name, loss_percent = loss_percent, rate_percent = best and best.rate or 0,
                       mpps = best and bench.mpps(best) or 0}
  end
end
bench.write("ndr", {"size", "search", "loss_percent", "rate_percent", "mpps"}, rows)
