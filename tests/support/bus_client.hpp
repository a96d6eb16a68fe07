// What a client of org.mirrord1 sees: its properties, and the answers to its methods.
//
// It owns one connection, made for a test and to a test's bus, and blocks until an answer is there.
// A property that cannot be read is a failed test and throws; the error that a method answers with
// is a value, because tests ask for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <systemd/sd-bus.h>

namespace mirrord::test {

/// One object and one of its interfaces.
struct BusObject {
  std::string path;
  std::string interface;
};

BusObject manager_object();
BusObject group_object(const std::string& group);
BusObject target_object(const std::string& group, const std::string& target);

/// The error that a call was answered with; empty name = none.
struct BusError {
  std::string name;
  std::string message;
};

class BusClient {
 public:
  explicit BusClient(const std::string& address);

  std::string text(const BusObject& object, const std::string& property);
  /// Of any integer type, and booleans as 0 and 1.
  int64_t number(const BusObject& object, const std::string& property);
  std::vector<std::string> paths(const BusObject& object, const std::string& property);

  /// The arguments follow `signature` as sd_bus_call_method(3) has them.
  template <class... Values>
  BusError call(const BusObject& object, const char* method, const char* signature,
                Values... values) {
    Failure failure;
    sd_bus_call_method(bus_.get(), kService, object.path.c_str(), object.interface.c_str(), method,
                       &failure.error, nullptr, signature, values...);
    return failure.value();
  }

 private:
  static constexpr const char* kService = "org.mirrord1";

  struct Unref {
    void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
  };
  struct Failure {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    ~Failure() { sd_bus_error_free(&error); }
    BusError value() const;
  };
  using Message = std::unique_ptr<sd_bus_message, Unref>;

  Message get(const BusObject& object, const std::string& property, const char* type);

  std::unique_ptr<sd_bus, Unref> bus_;
};

}  // namespace mirrord::test
