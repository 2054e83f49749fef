package adapter.testserver;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.jpa.topic.SubscriptionTopicConfig;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.elasticsearch.ElasticsearchRestClientAutoConfiguration;
import org.springframework.boot.autoconfigure.quartz.QuartzAutoConfiguration;
import org.springframework.boot.autoconfigure.thymeleaf.ThymeleafAutoConfiguration;
import org.springframework.context.annotation.Import;

/** A FHIR R4 server that forgets everything when it stops, unless told to keep it in a file. What it can do is the list of imports below. */
@SpringBootApplication(
        exclude = {
            // HAPI brings these libraries for its own use; Spring Boot must not start second instances of them.
            ElasticsearchRestClientAutoConfiguration.class,
            QuartzAutoConfiguration.class,
            ThymeleafAutoConfiguration.class
        })
@Import({
    JpaR4Config.class,
    ThreadPoolFactoryConfig.class,
    // Subscriptions: notice a change, carry it, match and deliver it.
    SubscriptionSubmitterConfig.class,
    SubscriptionChannelConfig.class,
    SubscriptionProcessorConfig.class,
    // Without this one R4 topic subscriptions become active and never fire.
    SubscriptionTopicConfig.class,
    // $export runs as a batch job.
    JpaBatch2Config.class,
    Batch2JobsConfig.class
})
public class TestServer {
    public static void main(String[] args) {
        SpringApplication.run(TestServer.class, args);
    }
}
