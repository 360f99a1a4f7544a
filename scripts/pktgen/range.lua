-- Pktgen-DPDK: the flows of range.pkt with a number to choose, and the rates of one run.
-- For shuntd -c config/examples/bench.yaml. Not run here: Pktgen-DPDK is not in Debian.
package.path = package.path .. ";?.lua;../?.lua"
require "Pktgen"

local port = "0"         -- Pktgen's port toward shuntd's `clients`
local replies = "0"      -- where replies come back: the same for `nat` and `fullnat`
local addresses = 65536  -- client addresses, at most 65536
local ports = 15         -- source ports of each; flows = addresses * ports
local seconds = 10

local last = addresses - 1
local last_address = string.format("198.18.%d.%d", math.floor(last / 256), last % 256)

local function range(field, start, min, max, inc)
  local set = pktgen.range[field]
  set(port, "start", start)
  set(port, "min", min)
  set(port, "max", max)
  set(port, "inc", inc)
end

pktgen.stop(port)
pktgen.range.dst_mac(port, "start", "02:00:00:00:00:01")
pktgen.range.src_mac(port, "start", "02:00:00:00:01:01")
range("dst_ip", "203.0.113.10", "203.0.113.10", "203.0.113.10", "0.0.0.0")
range("src_ip", "198.18.0.0", "198.18.0.0", last_address, "0.0.0.1")
range("dst_port", 80, 80, 80, 0)
range("src_port", 1024, 1024, 1023 + ports, 1)
range("pkt_size", 64, 64, 64, 0)
pktgen.set_proto(port, "udp")
pktgen.set(port, "rate", 100)
pktgen.set(port, "count", 0)
pktgen.set_range(port, "on")

pktgen.clr()
pktgen.start(port)
pktgen.delay(seconds * 1000)
pktgen.stop(port)
pktgen.delay(1000)
local sent = pktgen.portStats(port, "port")[tonumber(port)].opackets
local came = pktgen.portStats(replies, "port")[tonumber(replies)].ipackets
printf("%d flows: %.2f Mpps sent, %.2f Mpps came back\n", addresses * ports, sent / seconds / 1e6, came / seconds / 1e6)
