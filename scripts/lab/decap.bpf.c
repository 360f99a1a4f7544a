// The real server's end of a tunnel, for kernels without devices for it: takes the outer IP header off and passes what
// was inside on to the stack. Either family in either. Attached to the real's interface as generic XDP.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// `bytes` is a constant to the verifier once this is inlined.
static __always_inline int take_off(struct xdp_md* ctx, __u32 bytes, __u8 protocol) {
  void* end = (void*)(long)ctx->data_end;
  struct ethhdr* eth = (void*)(long)ctx->data;
  if (protocol != IPPROTO_IPIP && protocol != IPPROTO_IPV6) return XDP_PASS;
  if ((void*)(eth + 1) + bytes > end) return XDP_PASS;

  // The Ethernet header moves up over the outer IP header; copied first, as both places may share bytes.
  struct ethhdr saved = *eth;
  saved.h_proto = protocol == IPPROTO_IPIP ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
  *(struct ethhdr*)((void*)eth + bytes) = saved;
  return bpf_xdp_adjust_head(ctx, bytes) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int decap(struct xdp_md* ctx) {
  void* end = (void*)(long)ctx->data_end;
  struct ethhdr* eth = (void*)(long)ctx->data;
  if ((void*)(eth + 1) > end) return XDP_PASS;
  if (eth->h_proto == bpf_htons(ETH_P_IP)) {
    struct iphdr* outer = (void*)(eth + 1);
    if ((void*)(outer + 1) > end || outer->ihl != 5) return XDP_PASS;
    return take_off(ctx, sizeof *outer, outer->protocol);
  }
  if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr* outer = (void*)(eth + 1);
    if ((void*)(outer + 1) > end) return XDP_PASS;
    return take_off(ctx, sizeof *outer, outer->nexthdr);
  }
  return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
