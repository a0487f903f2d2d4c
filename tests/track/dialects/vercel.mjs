// The AI SDK of Vercel with its telemetry on: an answer, a streamed one, a tool that is called, an embedding.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import * as ai from "ai";
import { z } from "zod";

const exporter = new OTLPTraceExporter({ url: `${process.env.OTLP}/v1/traces` });
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();

const lab = createOpenAICompatible({ name: "lab", baseURL: process.env.FAKE, apiKey: "k", includeUsage: true });
const experimental_telemetry = {
  isEnabled: true,
  functionId: "harbour",
  metadata: { sessionId: "s-1", userId: "ann" },
};
const model = lab("m1");

await ai.generateText({
  model, experimental_telemetry, temperature: 0.25, system: "be brief", prompt: "what is a slipway",
});
const streamed = ai.streamText({ model, experimental_telemetry, prompt: "what is a slipway" });
await streamed.text;
const weather = ai.tool({
  description: "the weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});
await ai.generateText({
  model, experimental_telemetry, tools: { weather }, stopWhen: ai.stepCountIs(3), prompt: "and the weather?",
});
await ai.embed({ model: lab.textEmbeddingModel("e1"), value: "a ramp", experimental_telemetry });
await provider.forceFlush();
await provider.shutdown();
