// The sysctls, both ways.
#include "config/convert.h"

namespace shunt::config {
namespace {

using dataplane::Defence;

// IPVS's automatic modes, resting and working, are one mode here.
Defence to_defence(uint32_t mode) {
  if (mode == 0) return Defence::kOff;
  return mode == 3 ? Defence::kAlways : Defence::kWhenScarce;
}

uint32_t mode_of(Defence defence) {
  switch (defence) {
    case Defence::kOff:
      return 0;
    case Defence::kWhenScarce:
      return 1;
    case Defence::kAlways:
      return 3;
  }
  return 0;
}

}  // namespace

control::Sysctls to_sysctls(const v1::Sysctls& sysctls) {
  control::Sysctls result;
  if (sysctls.has_conn_reuse_mode())
    result.conn_reuse_mode = static_cast<uint8_t>(sysctls.conn_reuse_mode());
  result.expire_nodest_conn = sysctls.expire_nodest_conn();
  result.expire_quiescent_template = sysctls.expire_quiescent_template();
  result.sloppy_tcp = sysctls.sloppy_tcp();
  result.sloppy_sctp = sysctls.sloppy_sctp();
  result.secure_tcp = to_defence(sysctls.secure_tcp());
  result.drop_entry = to_defence(sysctls.drop_entry());
  result.drop_packet = to_defence(sysctls.drop_packet());
  result.nat_icmp_send = sysctls.nat_icmp_send();
  result.schedule_icmp = sysctls.schedule_icmp();
  if (sysctls.has_pmtu_disc()) result.pmtu_disc = sysctls.pmtu_disc();
  if (sysctls.am_droprate() != 0) result.am_droprate = sysctls.am_droprate();
  if (sysctls.amemthresh() != 0) result.amemthresh = sysctls.amemthresh();
  return result;
}

v1::Sysctls to_proto(const control::Sysctls& sysctls) {
  v1::Sysctls out;
  out.set_conn_reuse_mode(sysctls.conn_reuse_mode);
  out.set_expire_nodest_conn(sysctls.expire_nodest_conn);
  out.set_expire_quiescent_template(sysctls.expire_quiescent_template);
  out.set_sloppy_tcp(sysctls.sloppy_tcp);
  out.set_sloppy_sctp(sysctls.sloppy_sctp);
  out.set_secure_tcp(mode_of(sysctls.secure_tcp));
  out.set_drop_entry(mode_of(sysctls.drop_entry));
  out.set_drop_packet(mode_of(sysctls.drop_packet));
  out.set_nat_icmp_send(sysctls.nat_icmp_send);
  out.set_schedule_icmp(sysctls.schedule_icmp);
  out.set_pmtu_disc(sysctls.pmtu_disc);
  out.set_am_droprate(sysctls.am_droprate);
  out.set_amemthresh(sysctls.amemthresh);
  return out;
}

}  // namespace shunt::config
