"""Tell the plant of verdicts and decisions, over MQTT or to a webhook, and lose none."""
