import type { Config } from '../config/config.ts';
import type { Loaded } from '../config/load.ts';
import type { EnvoyOptions } from '../envoy/plan.ts';

/** What is the same for all pods. */
export interface InjectSettings {
  /** Of the agent. Its entry point takes the arguments of `meshcert`, and `meshcert` is in its PATH. */
  readonly image: string;
  /** Undefined: pods that ask for an Envoy are refused. */
  readonly envoyImage: string | undefined;
  /** Undefined: as Kubernetes does, by the tag. */
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  /** `native`: an init container that goes on (Kubernetes 1.29). */
  readonly sidecar: 'native' | 'container';
  /**
   * A ConfigMap in the namespace of each pod: its key `mesh.yaml` holds the Mesh, and its other keys lie beside it in
   * /etc/meshcert. Undefined: the Mesh goes into the pod.
   */
  readonly configMap: string | undefined;
  readonly meshes: MeshDocuments;
  readonly renderEnvoy: (config: Config, options: EnvoyOptions) => string;
}

/** The documents of the configuration that all pods share. */
export interface MeshDocuments {
  /** What every Agent document begins with. */
  readonly agent: Readonly<Record<string, unknown>>;
  /** YAML of the Agent document and, unless it comes from a ConfigMap, of its Mesh. */
  render(agent: object, mesh: string | undefined): string;
  /** Reads the configuration of one agent, as that agent will. */
  load(agent: object, environment: Readonly<Record<string, string>>): Loaded;
}
