#include "support/bus_client.hpp"

#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace mirrord::test {
namespace {

void check(int result, const std::string& what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

std::string taken(char* text) {
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  return owner ? owner.get() : "";
}

/// Reads a value of the basic type that the caller has just looked at.
template <class Value>
int64_t read_number(sd_bus_message* message, char type) {
  Value value{};
  check(sd_bus_message_read_basic(message, type, &value), "read a number");
  return static_cast<int64_t>(value);
}

}  // namespace

BusObject manager_object() { return {"/org/mirrord1", "org.mirrord1.Manager"}; }

BusObject group_object(const std::string& group) {
  char* path = nullptr;
  check(sd_bus_path_encode("/org/mirrord1/group", group.c_str(), &path), "encode a path");
  return {taken(path), "org.mirrord1.Group"};
}

BusObject target_object(const std::string& group, const std::string& target) {
  char* path = nullptr;
  check(sd_bus_path_encode_many(&path, "/org/mirrord1/target/%/%", group.c_str(), target.c_str()),
        "encode a path");
  return {taken(path), "org.mirrord1.Target"};
}

BusError BusClient::Failure::value() const {
  if (!sd_bus_error_is_set(&error)) return {};
  return {error.name, error.message ? error.message : ""};
}

BusClient::BusClient(const std::string& address) {
  sd_bus* bus = nullptr;
  check(sd_bus_new(&bus), "make a bus connection");
  bus_.reset(bus);
  check(sd_bus_set_address(bus, address.c_str()), "set the address of the bus");
  check(sd_bus_set_bus_client(bus, 1), "make a bus client");
  check(sd_bus_start(bus), "connect to the bus " + address);
}

std::string BusClient::text(const BusObject& object, const std::string& property) {
  const Message message = get(object, property, "s");
  const char* value = nullptr;
  check(sd_bus_message_read_basic(message.get(), 's', &value), "read " + property);
  return value;
}

int64_t BusClient::number(const BusObject& object, const std::string& property) {
  sd_bus_message* raw = nullptr;
  Failure failure;
  const int sent = sd_bus_call_method(bus_.get(), kService, object.path.c_str(),
                                      "org.freedesktop.DBus.Properties", "Get", &failure.error,
                                      &raw, "ss", object.interface.c_str(), property.c_str());
  const Message message(raw);
  if (sent < 0) throw std::runtime_error(property + ": " + failure.value().message);
  check(sd_bus_message_enter_container(raw, 'v', nullptr), "read " + property);
  char type = 0;
  check(sd_bus_message_peek_type(raw, &type, nullptr), "read " + property);
  switch (type) {
    case 'b':
      return read_number<int>(raw, type);
    case 'i':
      return read_number<int32_t>(raw, type);
    case 'u':
      return read_number<uint32_t>(raw, type);
    case 'x':
      return read_number<int64_t>(raw, type);
    case 't':
      return read_number<uint64_t>(raw, type);
    default:
      throw std::runtime_error(property + " is not a number");
  }
}

std::vector<std::string> BusClient::paths(const BusObject& object, const std::string& property) {
  const Message message = get(object, property, "ao");
  check(sd_bus_message_enter_container(message.get(), 'a', "o"), "read " + property);
  std::vector<std::string> all;
  for (const char* path = nullptr; sd_bus_message_read_basic(message.get(), 'o', &path) > 0;)
    all.emplace_back(path);
  return all;
}

BusClient::Message BusClient::get(const BusObject& object, const std::string& property,
                                  const char* type) {
  sd_bus_message* message = nullptr;
  Failure failure;
  const int result =
      sd_bus_get_property(bus_.get(), kService, object.path.c_str(), object.interface.c_str(),
                          property.c_str(), &failure.error, &message, type);
  if (result < 0) throw std::runtime_error(property + ": " + failure.value().message);
  return Message(message);
}

}  // namespace mirrord::test
