// shuntctl trace, capture: packets as they pass.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "config/duration.h"
#include "shunt/v1/debug.grpc.pb.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/endpoint_argument.h"
#include "src/shuntctl/output/json.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct TraceOptions {
  std::string vip;
  std::string client;
  uint64_t count = 20;
};

struct CaptureOptions {
  std::string filter;
  std::string port;
  std::string direction;
  std::string file;
  uint64_t count = 0;
  std::string duration;
  uint32_t snap_bytes = 0;
};

// Standard output may carry the packets themselves.
void tell(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

std::string lost_text(const v1::WatchEnd& end) {
  std::string text = std::to_string(end.packets()) + (end.packets() == 1 ? " packet" : " packets");
  if (end.lost() > 0)
    text += ", " + std::to_string(end.lost()) + " lost on the way here: a narrower filter loses fewer";
  return text;
}

std::string traced_text(const v1::TracedPacket& packet, bool colour) {
  const auto nanoseconds = static_cast<unsigned>(packet.time().nanos());
  char micro[16];
  std::snprintf(micro, sizeof micro, ".%06u", nanoseconds / 1000);
  std::string text = toned(local_time(packet.time()) + micro + " worker " + std::to_string(packet.worker()) + ": " +
                               printable(packet.packet()) + ": " + printable(packet.outcome()) +
                               (packet.drop_reason().empty() ? "" : " (" + printable(packet.drop_reason()) + ")"),
                           packet.drop_reason().empty() ? Tone::kBold : Tone::kBad, colour) +
                     "\n";
  for (const auto& step : packet.steps()) {
    char name[16];
    std::snprintf(name, sizeof name, "  %-12s", step.name().substr(0, 12).c_str());
    text += name + printable(step.text()) + "\n";
  }
  return text;
}

Outcome trace_packets(const Settings& settings, const TraceOptions& options) {
  v1::TraceRequest request;
  if (const auto end = Endpoint::parse(options.vip)) {
    request.set_vip(end->address);
    request.set_vip_port(end->port);
  } else {
    request.set_vip(options.vip);
  }
  request.set_client(options.client);
  request.set_count(options.count);
  Client client(settings);
  auto failure = client.stream(&v1::Debug::Stub::Trace, request, [&](const v1::TraceResponse& message) {
    if (settings.json) {
      if (message.has_packet()) print(to_json_line(message.packet()));
      return flush_output();
    }
    if (message.begun()) tell("tracing; Ctrl-C ends it");
    if (message.has_packet()) print(traced_text(message.packet(), settings.colour));
    if (message.has_end()) tell(lost_text(message.end()));
    return flush_output();
  });
  if (failure) return *failure;
  return {};
}

// A file descriptor that is closed with its end; -1: it could not be opened.
class CaptureFile {
 public:
  explicit CaptureFile(const std::string& path)
      : fd_(path == "-" ? STDOUT_FILENO : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}
  ~CaptureFile() {
    if (fd_ > STDOUT_FILENO) close(fd_);
  }
  CaptureFile(const CaptureFile&) = delete;
  bool is_open() const { return fd_ >= 0; }
  // Whole blocks at a time: the file is well-formed whenever a person ends it.
  bool write_all(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t wrote = write(fd_, bytes.data() + at, bytes.size() - at);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return false;
      at += static_cast<size_t>(wrote);
    }
    return true;
  }

 private:
  const int fd_;
};

Failure file_failure(const std::string& path) {
  return {ExitCode::kRpc,
          "DATA_LOSS",
          path + ": " + std::strerror(errno) + "; give -w a file that can be written, or -",
          {}};
}

Outcome capture_packets(const Settings& settings, const CaptureOptions& options) {
  v1::CaptureRequest request;
  request.set_filter(options.filter);
  request.set_port(options.port);
  if (options.direction == "in") request.set_direction(v1::CaptureRequest::DIRECTION_IN);
  if (options.direction == "out") request.set_direction(v1::CaptureRequest::DIRECTION_OUT);
  request.set_count(options.count);
  request.set_snap_bytes(options.snap_bytes);
  if (!options.duration.empty()) {
    const bool bare = options.duration.find_first_not_of("0123456789") == std::string::npos;
    const auto ms = config::parse_duration_ms(bare ? options.duration + "s" : options.duration);
    if (!ms || *ms <= 0) {
      return Failure{ExitCode::kUsage, "USAGE", "--duration: needs a length of time such as 5s, 500ms or 2m", {}};
    }
    request.set_duration_ms(static_cast<uint64_t>(*ms));
  }
  CaptureFile file(options.file);
  if (!file.is_open()) return file_failure(options.file);
  Client client(settings);
  bool is_written = true;
  uint64_t messages = 0;
  auto failure = client.stream(&v1::Debug::Stub::Capture, request, [&](const v1::CaptureResponse& message) {
    if (messages++ == 0) tell("capturing to " + options.file + "; Ctrl-C ends it");
    is_written = file.write_all(message.pcapng());
    if (message.has_end()) tell(lost_text(message.end()));
    return is_written;
  });
  if (!is_written) return file_failure(options.file);
  if (failure) return *failure;
  return {};
}

}  // namespace

void add_watch_verbs(CLI::App& app, Command& command) {
  auto traced = std::make_shared<TraceOptions>();
  CLI::App* trace = app.add_subcommand("trace", "What is decided about packets as they come, step by step");
  trace->add_option("--vip", traced->vip, "Connections to this ADDRESS or ADDRESS:PORT (default: all)")
      ->type_name("VIP");
  trace->add_option("--client", traced->client, "From this address (default: all)")->type_name("ADDRESS");
  trace->add_option("--count", traced->count, "End after so many packets; 0: go on until interrupted")
      ->capture_default_str()
      ->type_name("N");
  trace->callback([&command, traced] {
    command.action = [traced](const Settings& settings) { return trace_packets(settings, *traced); };
  });

  auto captured = std::make_shared<CaptureOptions>();
  CLI::App* capture = app.add_subcommand(
      "capture", "Packets as they come in and as they leave, as pcapng: tcpdump -r and Wireshark read it");
  capture->add_option("-w,--write", captured->file, "File to write; - is standard output")
      ->required()
      ->type_name("FILE");
  capture->add_option("--filter", captured->filter, "In pcap's syntax: 'host 192.0.2.10 and tcp port 80'")
      ->type_name("FILTER");
  capture->add_option("--port", captured->port, "On this port alone")->type_name("NAME");
  capture->add_option("--direction", captured->direction, "in or out (default: both)")
      ->check(CLI::IsMember({"in", "out"}))
      ->type_name("WAY");
  capture->add_option("--count", captured->count, "End after so many packets")->type_name("N");
  capture->add_option("--duration", captured->duration, "End after so long: 5s, 500ms, 2m")->type_name("TIME");
  capture->add_option("--snap-length", captured->snap_bytes, "Bytes of each packet, 1664 at most (default: as many)")
      ->type_name("BYTES");
  capture->callback([&command, captured] {
    command.action = [captured](const Settings& settings) { return capture_packets(settings, *captured); };
  });
}

}  // namespace shunt::shuntctl
