import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../../src/protocol/errors.ts";
import { isSignedIn } from "../../../src/web/state/app-state.ts";
import { ada, startApp, startWithChat } from "./app-harness.ts";

describe("logging in", () => {
  it("asks for a code, shows the development code and begins the wait for another one", async () => {
    const app = startApp();
    await app.actions.requestCode("+1 415 555 0123", " Ada ");
    expect(app.state().login).toMatchObject({
      step: "code",
      phone: "+14155550123",
      name: "Ada",
      developmentCode: "123456",
      resendAtMs: app.platform.nowMs() + 30_000,
      error: null,
    });
  });

  it.each([
    ["+1415555", "Ada", "phone"],
    ["+14155550123", "  ", "name"],
  ])(
    "puts the error of %j and %j under the field, and asks the server for nothing",
    async (phone, name, field) => {
      const app = startApp();
      await app.actions.requestCode(phone, name);
      expect(app.state().login).toMatchObject({ step: "phone", phone, error: { field } });
      expect(app.kittiwake.calls).toEqual([]);
    },
  );

  it("shows the server's sentence when the code cannot be sent", async () => {
    const app = startApp((kittiwake) =>
      kittiwake.refusals.set("requestCode", new ProtocolError("too_many_codes")),
    );
    await app.actions.requestCode("+14155550123", "Ada");
    expect(app.state().login).toMatchObject({
      step: "phone",
      isBusy: false,
      error: { field: "phone", sentence: new ProtocolError("too_many_codes").message },
    });
  });

  it("keeps the step after a wrong code, and enters the app after the right one", async () => {
    const app = startApp();
    await app.actions.requestCode("+14155550123", "Ada");
    await app.actions.verify("999 999");
    expect(app.state().login.error).toEqual({
      field: "code",
      sentence: new ProtocolError("wrong_code").message,
    });
    await app.actions.verify("123 456");
    expect(isSignedIn(app.state())).toBe(true);
    expect(app.state().session?.name).toBe("Ada");
  });

  it("refuses a code that is too short by itself", async () => {
    const app = startApp();
    await app.actions.requestCode("+14155550123", "Ada");
    await app.actions.verify("123");
    expect(app.kittiwake.calls).toEqual(["requestCode +14155550123"]);
    expect(app.state().login.error?.sentence).toBe("Enter the 6 digits of the code.");
  });
});

describe("leaving the account", () => {
  it("takes chats, drafts and the open chat with it", async () => {
    const app = startWithChat();
    app.actions.go({ screen: "chat", conversationId: "c1" });
    app.actions.write("c1", "half a thought");
    await app.actions.logOut();
    expect(app.state()).toMatchObject({ session: null, conversations: null, chat: null, drafts: {} });
    expect(app.kittiwake.openChats.size).toBe(0);
    expect(app.platform.storage.length).toBe(0);
    expect(app.state().login.reason).toBeNull();
  });

  it("by revocation leads to the login with a sentence", () => {
    const app = startWithChat();
    app.kittiwake.become({ status: "stopped", reason: "revoked" });
    expect(isSignedIn(app.state())).toBe(false);
    expect(app.state().login.reason).toBe("This device was logged out. Log in again to see your chats.");
  });
});

describe("devices", () => {
  it("are listed, and another one can be logged out", async () => {
    const app = startApp((kittiwake) => {
      kittiwake.logIn(ada);
      kittiwake.accountDevices.push({ deviceId: 2, name: "Phone", createdAtMs: 0, isThis: false });
    });
    await app.actions.loadDevices();
    expect(app.state().settings.devices).toHaveLength(2);
    await app.actions.revokeDevice(2);
    expect(app.state().settings.devices?.map((device) => device.deviceId)).toEqual([1]);
  });

  it("show why they cannot be listed", async () => {
    const app = startApp((kittiwake) => kittiwake.refusals.set("devices", new ProtocolError("rate_limited")));
    await app.actions.loadDevices();
    expect(app.state().settings.devicesError).toBe(new ProtocolError("rate_limited").message);
  });
});
