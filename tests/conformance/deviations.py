"""Where Shunt differs from Linux's IPVS on purpose. README.md has this table for users; a test holds both together."""

DEVIATIONS = {
    "removed-real":
        "A removed real's connections, and a removed service's, go on until they end. IPVS drops their packets "
        "(or ends them, expire_nodest_conn 1). Removing is never an outage.",
    "syn-again":
        "A SYN sent again before the handshake is through leaves a real that is down or drained. IPVS stays with "
        "it.",
    "put-back":
        "A real that is removed and put back before the next connection is rr's last choice still. IPVS has gone a "
        "step back meanwhile.",
    "syn-ack-first":
        "A SYN with ACK opens no connection: it answers a SYN that somebody forged, no client sends it first.",
    "no-flags":
        "A TCP packet without SYN, FIN, RST and ACK leaves its connection as it is. IPVS goes to CLOSE, so "
        "whoever guesses the ports cuts a connection with one packet.",
    "refused-packet":
        "A packet that is answered with an ICMP error instead of being sent on (TTL, MTU) moves no state, no "
        "timer and no counter.",
    "icmpv6-checksum":
        "An ICMPv6 error about a connection passes if its checksum is right, and only then. Linux 6.1 forgets the "
        "pseudo-header, so it drops right ones about nat's requests, and passes wrong ones to reals, mended.",
    "icmpv6-tunnel":
        "Errors about an IPv6 tunnel's outer packets are told to the client, and its path MTU is learned. IPVS "
        "does so over IPv4 alone.",
    "icmp-tunnel-mtu":
        "Who sent what was too big for a tunnel's way is told at once what fits. IPVS first tells the MTU that it "
        "knew before.",
    "icmp-impossible-mtu":
        "A packet-too-big whose MTU the quoted packet would have fitted is forged, and dropped. Linux believes "
        "it.",
    "source-quench":
        "A source quench about a tunnel's packet is not passed on: nobody may act on it (RFC 6633).",
    "one-packet-answers":
        "What a nat real of a one-packet service sends from its service's port leaves from the VIP, so that "
        "clients take it. Under IPVS it leaves from the real's own address.",
    "first-fragment":
        "A datagram that finds no real is answered at its first fragment. IPVS answers once all of it is there.",
    "tunnel-ecn":
        "A tunnel's outer header carries the inner one's congestion mark as it is (RFC 6040). Linux writes ECT(0) "
        "over it (RFC 3168).",
    "tunnel-flow-label":
        "An IPv6 tunnel's outer header has the inner one's flow label, so that routers that spread by it keep "
        "flows together. Linux writes 0.",
    "sctp-stray":
        "An SCTP packet of no association that begins none is dropped. IPVS leaves it to the director's own SCTP, whose "
        "ABORT, or ICMP error, could end an association that lives on elsewhere.",
    "sctp-wrong-checksum":
        "An SCTP packet whose checksum is wrong keeps a wrong one under nat with another port, so that its receiver drops "
        "it. IPVS writes a right one over whatever happened to the packet before.",
    "ah-ipv6":
        "AH goes with ISAKMP's connection over IPv6, too. IPVS passes over its header as over an extension and looks at what "
        "it holds.",
    "udp-without-checksum":
        "A UDP packet that has no checksum gets none under nat (RFC 768). Linux computes one, which vouches for "
        "whatever happened to the packet before.",
}
