"""TRex, stateless: the traffic of config/examples/bench-nic.yaml (or bench.yaml). Checked against TRex's classes by a
stand-in (tests/scripts/pktgen_files_test.py), not run with TRex.

  ./t-rex-64 -i -c 4                       its ports: 0 toward shuntd's `clients`, 1 toward `reals`
  ./trex-console
  trex> portattr -a --prom on              shuntd's replies carry the MAC addresses of bench-nic.yaml
  trex> start -f scripts/pktgen/trex.py -p 0 -m 1mpps -t flows=1000000,size=64,method=direct
  trex> start -f scripts/pktgen/trex.py -p 0 -m 50% -t size=imix,latency=1
  trex> stats
  trex> stats -l

Tunables: flows (100000), size (64, or imix), method (nat, fullnat, direct, tunnel), protocol (udp, tcp-syn, tcp-ack),
version (4 or 6), latency (0; 1 adds 1,000 probes a second in a flow of their own).
"""

from trex_stl_lib.api import *  # noqa: F403  TRex's own way

VIPS = {"nat": "203.0.113.10", "fullnat": "203.0.113.11", "direct": "203.0.113.12", "tunnel": "203.0.113.13"}
VIPS6 = {"nat": "2001:2:0:80::10", "fullnat": "2001:2:0:80::11", "direct": "2001:2:0:80::12", "tunnel": "2001:2:0:80::13"}
FLAGS = {"tcp-syn": "S", "tcp-ack": "A"}
FCS_BYTES = 4
# Frame size and share: the mix that CSIT reports.
IMIX = ((64, 7), (570, 4), (1518, 1))
FIRST_CLIENT_PORT, CLIENT_PORTS = 1024, 64512
ADDRESSES = 65536


class BenchTraffic:
    def get_streams(self, direction=0, flows=100000, size=64, method="nat", protocol="udp", version=4, latency=0, **_):
        if direction != 0:
            return []
        flows = int(flows)
        mix = IMIX if size == "imix" else ((int(size), 1),)
        streams = [self._stream(frame, share, flows, method, protocol, int(version)) for frame, share in mix]
        if int(latency):
            # Probes come back under nat and fullnat with a reflector; TRex reads its stamp at the frame's end.
            streams.append(STLStream(packet=STLPktBuilder(pkt=self._frame(78, method, "udp", int(version), sport=1023)),  # noqa: F405
                                     mode=STLTXCont(pps=1000), flow_stats=STLFlowLatencyStats(pg_id=7)))  # noqa: F405
        return streams

    def _stream(self, size, share, flows, method, protocol, version):
        return STLStream(packet=STLPktBuilder(pkt=self._frame(size, method, protocol, version),  # noqa: F405
                                              vm=self._clients(flows, protocol, version)),
                         mode=STLTXCont(pps=share))  # noqa: F405

    def _frame(self, size, method, protocol, version, sport=FIRST_CLIENT_PORT):
        if version == 6:
            network = IPv6(src="2001:2:0:1::", dst=VIPS6[method])  # noqa: F405
        else:
            network = IP(src="198.18.0.0", dst=VIPS[method])  # noqa: F405
        transport = UDP(sport=sport, dport=80) if protocol == "udp" else \
            TCP(sport=sport, dport=80, flags=FLAGS[protocol])  # noqa: F405
        headers = Ether(src="02:00:00:00:01:01", dst="02:00:00:00:00:01") / network / transport  # noqa: F405
        return headers / (max(0, size - FCS_BYTES - len(headers)) * "x")

    def _clients(self, flows, protocol, version):
        """Addresses first, then ports: `flows` different pairs, and checksums that fit."""
        addresses = min(flows, ADDRESSES)
        ports = -(-flows // addresses)
        if ports > CLIENT_PORTS:
            raise STLError("flows: at most %d" % (ADDRESSES * CLIENT_PORTS))  # noqa: F405
        layer = "UDP" if protocol == "udp" else "TCP"
        vm = STLVM()  # noqa: F405
        # For IPv6 these are the low 32 bits of the address.
        net = "198.18" if version == 4 else "0.0"
        last = "%s.%d.%d" % (net, (addresses - 1) >> 8, (addresses - 1) & 255)
        vm.tuple_var(name="client", ip_min=net + ".0.0", ip_max=last, port_min=FIRST_CLIENT_PORT,
                     port_max=FIRST_CLIENT_PORT + ports - 1, limit_flows=flows)
        if version == 4:
            vm.write(fv_name="client.ip", pkt_offset="IP.src")
        else:
            vm.write(fv_name="client.ip", pkt_offset="IPv6.src", offset_fixup=12)
        vm.write(fv_name="client.port", pkt_offset=layer + ".sport")
        vm.fix_chksum_hw(l3_offset="IP" if version == 4 else "IPv6", l4_offset=layer,
                         l4_type=CTRexVmInsFixHwCs.L4_TYPE_UDP if layer == "UDP" else CTRexVmInsFixHwCs.L4_TYPE_TCP)  # noqa: F405
        return vm


def register():
    return BenchTraffic()
