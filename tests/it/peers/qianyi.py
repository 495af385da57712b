"""A Qianyi camera on paho: registers, tells two copies of a read and a record, waits for the order.

Prints what it hears, one word a line: registered, answered <msg_id>, opened.
"""
import json, sys, time
import paho.mqtt.client as mqtt

host, port, user, password, sn = sys.argv[1:]
up, down = f"aiot/plate/{sn}", f"device/plate/{sn}"
heard = []


def say(topic, cmd, msg_id, **fields):
    client.publish(topic, json.dumps({"cmd": cmd, "msg_id": msg_id, "sn": sn, **fields}), qos=1)


def result(msg_id, kind, plate, at):
    say(up, "result", msg_id, type=kind, plate_num=plate, plate_color="蓝色", confidence=97,
        utc_ts=at, inout="in", trigger_type="video", full_pic="", plate_pic="")


def on_connect(client, userdata, flags, reason, properties):
    client.subscribe(down, qos=1)


def on_subscribe(client, userdata, mid, reasons, properties):
    say("/serverAll", "camera_register", "1700000000000regist0", subtopic=down, pubtopic=up,
        model="S8_2", softVersion="V4.23")


def on_message(client, userdata, message):
    body = json.loads(message.payload)
    assert not message.retain, "an order waited at the broker"
    cmd = body["cmd"]
    if cmd == "camera_register_rsp" and body["status"] == "ok":
        print("registered", flush=True)
        now = int(time.time())
        result("1700000000001record0", "offline", "京A00001", now - 3600)
        result("1700000000002online0", "online", "京A12345", now)
        result("1700000000002online0", "online", "京A12345", now)
    elif cmd == "result_rsp" and body["status"] == "ok":
        print("answered", body["msg_id"], flush=True)
        heard.append(body["msg_id"])
    elif cmd == "iooutput":
        assert body["ionum"] == 0 and body["action"] == "on", body
        say(up, "iooutput_rsp", body["msg_id"], status="ok")
        print("opened", flush=True)
        heard.append("opened")


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=sn)
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.username_pw_set(user, password)
client.connect(host, int(port), keepalive=5)
client.loop_start()
until = time.monotonic() + 15
while time.monotonic() < until and not (len(heard) >= 4 and "opened" in heard):
    time.sleep(0.02)
# A second order would come right behind the first.
say(up, "mqtt_herat", "1700000000003beats00")
time.sleep(0.5)
client.loop_stop()
