// shuntctl conn list: ipvsadm -Lnc's words, printed nearly as they arrive: there may be millions.
#include <google/protobuf/util/time_util.h>

#include <chrono>
#include <memory>

#include "src/shuntctl/client.h"
#include "src/shuntctl/output/json.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct ConnectionListOptions {
  std::string service;
  std::string real;
  std::string client;
  uint32_t limit = 0;
};

std::vector<std::string> cells_of(const v1::Connection& connection) {
  const auto left = std::chrono::milliseconds(
      google::protobuf::util::TimeUtil::DurationToMilliseconds(connection.expires_in()));
  std::string protocol = word(connection.protocol());
  for (char& c : protocol) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::vector<std::string> cells{protocol,
                                 expiry(left),
                                 connection.state(),
                                 endpoint(connection.client(), connection.client_port()),
                                 endpoint(connection.virtual_(), connection.virtual_port()),
                                 endpoint(connection.real(), connection.real_port())};
  if (!connection.local().empty()) cells.push_back(endpoint(connection.local(), connection.local_port()));
  return cells;
}

Outcome list_connections(const Settings& settings, const ConnectionListOptions& options) {
  v1::ListConnectionsRequest request;
  request.set_service(options.service);
  request.set_real(options.real);
  request.set_client(options.client);
  request.set_limit(options.limit);
  // 21 characters hold any IPv4 endpoint.
  StreamedTable table(
      {{"pro", 3}, {"expire", 8}, {"state", 11}, {"source", 21}, {"virtual", 21}, {"destination", 21}, {"local", 21}},
      settings.colour);
  bool any = false;
  Client client(settings);
  auto failure = client.stream(&v1::Shunt::Stub::ListConnections, request, [&](const v1::Connection& connection) {
    any = true;
    print(settings.json ? to_json_line(connection) : table.line(cells_of(connection)));
    return true;
  });
  // A failure before the first line prints no header.
  if (!settings.json && (any || !failure)) print(table.end());
  if (failure) return *failure;
  return {};
}

}  // namespace

void add_connection_verbs(CLI::App& app, Command& command) {
  CLI::App* conn = app.add_subcommand("conn", "Connections")->require_subcommand(1);
  CLI::App* list = conn->add_subcommand(
      "list", "Connections, then persistent clients (port 0), as ipvsadm -Lnc shows them; every given filter must match");
  auto options = std::make_shared<ConnectionListOptions>();
  list->add_option("--service", options->service, "Of this service")->type_name("NAME");
  list->add_option("--real", options->real, "To this real: its name or ADDRESS:PORT; [ADDRESS]:PORT for IPv6")
      ->type_name("REAL");
  list->add_option("--client", options->client, "From this IPv4 or IPv6 address")->type_name("ADDRESS");
  list->add_option("--limit", options->limit, "At most this many (default: all)")->type_name("N");
  list->callback([&command, options] {
    command.action = [options](const Settings& settings) { return list_connections(settings, *options); };
  });
}

}  // namespace shunt::shuntctl
